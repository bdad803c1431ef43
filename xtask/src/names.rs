//! How words of the models are spelt in Rust.

/// Words whose capitals would otherwise fall apart into letters.
const WORDS: [(&str, &str); 4] = [("OAuth", "Oauth"), ("URLs", "Urls"), ("ARNs", "Arns"), ("IPv", "Ipv")];

const KEYWORDS: [&str; 12] =
    ["as", "enum", "fn", "for", "impl", "in", "match", "mod", "move", "ref", "type", "use"];

/// `UserPoolId` becomes `user_pool_id`, `CallbackURLs` becomes `callback_urls`.
pub fn field(wire: &str) -> String {
    let wire = WORDS.iter().fold(wire.to_owned(), |text, (from, to)| text.replace(from, to));
    let letters: Vec<char> = wire.chars().collect();
    let mut name = String::new();
    for (at, letter) in letters.iter().enumerate() {
        if letter.is_uppercase() && at > 0 {
            let after_lower = !letters[at - 1].is_uppercase() && letters[at - 1] != '_';
            let before_lower = letters.get(at + 1).is_some_and(|next| next.is_lowercase());
            if after_lower || (before_lower && letters[at - 1].is_uppercase()) {
                name.push('_');
            }
        }
        name.extend(letter.to_lowercase());
    }
    if KEYWORDS.contains(&name.as_str()) { format!("r#{name}") } else { name }
}

/// `statusType` becomes `StatusType`; others stay.
pub fn type_name(shape: &str) -> String {
    let mut letters = shape.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// `ADMIN_NO_SRP_AUTH` becomes `AdminNoSrpAuth`, `code` becomes `Code`, `AccountTakeover` stays.
pub fn variant(value: &str) -> String {
    let words = value.split(|letter: char| !letter.is_ascii_alphanumeric());
    let name: String = words.map(capitalised).collect();
    if name.starts_with(|first: char| first.is_ascii_digit()) { format!("V{name}") } else { name }
}

fn capitalised(word: &str) -> String {
    let shouted = !word.chars().any(|letter| letter.is_lowercase());
    let word = if shouted { word.to_lowercase() } else { word.to_owned() };
    type_name(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_become_fields() {
        let table = [
            ("UserPoolId", "user_pool_id"),
            ("CallbackURLs", "callback_urls"),
            ("DefaultRedirectURI", "default_redirect_uri"),
            ("AllowedOAuthFlowsUserPoolClient", "allowed_oauth_flows_user_pool_client"),
            ("MFAOptions", "mfa_options"),
            ("CSSVersion", "css_version"),
            ("SMSMfaSettings", "sms_mfa_settings"),
            ("message", "message"),
            ("Type", "r#type"),
        ];
        for (wire, name) in table {
            assert_eq!(field(wire), name);
        }
    }

    #[test]
    fn values_become_variants() {
        let table = [
            ("ADMIN_NO_SRP_AUTH", "AdminNoSrpAuth"),
            ("AccountTakeover", "AccountTakeover"),
            ("client_credentials", "ClientCredentials"),
            ("aws-managed", "AwsManaged"),
            ("implicitDeny", "ImplicitDeny"),
            ("2_0", "V20"),
        ];
        for (value, name) in table {
            assert_eq!(variant(value), name);
        }
    }
}
