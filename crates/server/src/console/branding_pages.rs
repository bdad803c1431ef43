//! The sign-in pages that a branding is looked at on, as they are for a pool and an app client.

use super::desk::texts;
use crate::pages::login::{CheckCode, CodeKind, Identify, NameKind, ProviderLink};
use crate::pages::{Form as PageForm, Frame};
use postern_model::Document;

pub fn identify(frame: Frame, form: PageForm, pool: &Document, client: &Document) -> Identify {
    let names = texts(pool, "UsernameAttributes");
    let has = |name: &str| names.iter().any(|each| each == name);
    let kind = match (has("email"), has("phone_number")) {
        (true, true) => NameKind::EmailOrPhone,
        (true, false) => NameKind::Email,
        (false, true) => NameKind::Phone,
        (false, false) => NameKind::Username,
    };
    let providers = texts(client, "SupportedIdentityProviders").into_iter().filter(|name| name != "COGNITO");
    let is_open = pool["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] != true;
    Identify {
        frame,
        form,
        kind,
        value: String::new(),
        error: None,
        takes_names: true,
        providers: providers.map(|name| ProviderLink { name, href: "#".to_owned() }).collect(),
        sign_up_href: is_open.then(|| "#".to_owned()),
        passkey_options_href: None,
    }
}

pub fn check_code(frame: Frame, form: PageForm) -> CheckCode {
    CheckCode {
        frame,
        form,
        kind: CodeKind::SignIn,
        destination: "a***@e***".to_owned(),
        name: "alice@example.com".to_owned(),
        different_href: "#".to_owned(),
        minutes: 3,
        left_s: 180,
        error: None,
        notice: None,
        resend_wait_s: 0,
        may_resend: true,
        other_way_href: None,
        from: None,
    }
}
