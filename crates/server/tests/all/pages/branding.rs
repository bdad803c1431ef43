//! The look of the pages: set by administrators, shown to people, and never a way in for anybody else's content.

use super::browser::Shown;
use super::scene::Scene;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use postern_server::seed::ALICE;
use serde_json::{Value, json};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and so on";

fn picture(category: &str, extension: &str, bytes: &[u8]) -> Value {
    json!({ "Category": category, "ColorMode": "LIGHT", "Extension": extension, "Bytes": STANDARD.encode(bytes) })
}

impl Scene {
    async fn first_page(&self) -> Shown {
        let page = self.browser().visit(&self.authorize(&[])).await;
        assert_eq!(page.status, 200);
        page
    }

    fn of_client(&self) -> Value {
        json!({ "UserPoolId": self.demo.pool_id, "ClientId": self.demo.client_id })
    }
}

fn with(mut input: Value, more: Value) -> Value {
    let Value::Object(more) = more else { panic!("members") };
    input.as_object_mut().expect("a structure").extend(more);
    input
}

/// The address in an attribute of the first tag that has some text in it.
fn address(page: &Shown, tag: &str, attribute: &str) -> String {
    let (_, rest) = page.html.split_once(tag).unwrap_or_else(|| panic!("no {tag}: {}", page.html));
    let (_, rest) = rest.split_once(&format!("{attribute}=\"")).expect("an attribute");
    rest.split_once('"').expect("it ends").0.to_owned()
}

#[tokio::test]
async fn an_app_gets_colours_a_logo_and_words_of_its_own() {
    let scene = Scene::new().await;
    scene.first_page().await.says_not("/brand/");
    let settings = json!({
        "components": { "primaryButton": { "lightMode": { "defaults": { "backgroundColor": "7a1fa2ff" } } } },
        "categories": { "form": { "displayGraphics": true } },
        "texts": { "default": { "heading": "Welcome <back>", "instructions": "Use your work address." } },
        "links": { "privacy": "https://shop.example/privacy" },
    });
    let input = with(
        scene.of_client(),
        json!({ "Settings": settings, "Assets": [picture("FORM_LOGO", "PNG", PNG)] }),
    );
    let made = scene.server.signed("CreateManagedLoginBranding", input.clone()).await.ok();
    let id = made.text_at("ManagedLoginBranding.ManagedLoginBrandingId");
    assert_eq!(made.body["ManagedLoginBranding"]["Settings"], settings);
    assert_eq!(made.body["ManagedLoginBranding"]["Assets"][0]["Bytes"], json!(STANDARD.encode(PNG)));
    let twice = scene.server.signed("CreateManagedLoginBranding", input).await;
    twice.refused("ManagedLoginBrandingExistsException");

    let page = scene.first_page().await;
    page.says("Welcome &#60;back&#62;").says("Use your work address.").says("https://shop.example/privacy");
    let browser = scene.browser();
    let css_href = page.html.split("href=\"").find(|part| part.starts_with("/brand/")).expect("a sheet");
    let css_href = css_href.split_once('"').expect("it ends").0;
    let css = browser.open(css_href).await;
    assert_eq!((css.status, css.header("content-type")), (200, "text/css; charset=utf-8"));
    assert!(css.header("cache-control").contains("immutable"));
    assert!(css.html.contains("--brand:#7a1fa2"), "{}", css.html);
    // It stays so to the last page, which goes on to the app.
    let signing_in = scene.browser();
    let first = signing_in.visit(&scene.authorize(&[])).await;
    let second = signing_in.press(&first, "/login", &[("username", ALICE)]).await;
    let code = scene.code(ALICE).await;
    let home = signing_in.press_once(&second, "/login/code", &[("code", &code)]).await;
    assert_eq!(home.heading(), "Back to Demo app");
    home.says(css_href);
    let logo = address(&page, "<picture>", "src");
    let shown = browser.open_bytes(&logo).await;
    assert_eq!((shown.0, shown.1.as_str(), shown.2.as_slice()), (200, "image/png", PNG));
    for wrong in [
        css_href.replace("style-", "style-0"),
        format!("{logo}0"),
        format!("/brand/{id}/7-x"),
        "/brand/x/y".to_owned(),
    ] {
        assert_eq!(browser.open(&wrong).await.status, 404, "{wrong}");
    }

    let named = json!({ "UserPoolId": scene.demo.pool_id, "ManagedLoginBrandingId": id });
    let changed =
        with(named.clone(), json!({ "Settings": { "texts": { "de": { "heading": "Willkommen" } } } }));
    scene.server.signed("UpdateManagedLoginBranding", changed).await.ok();
    let described = scene.server.signed("DescribeManagedLoginBrandingByClient", scene.of_client()).await.ok();
    assert_eq!(described.body["ManagedLoginBranding"]["Assets"].as_array().expect("pictures stay").len(), 1);
    scene.first_page().await.says("<h1>Sign in</h1>").says_not("Welcome");
    let german = scene.browser().visit(&scene.authorize(&[("lang", "de")])).await;
    assert_eq!(german.heading(), "Willkommen");

    scene.server.signed("DeleteManagedLoginBranding", named.clone()).await.ok();
    scene.first_page().await.says_not("/brand/");
    for operation in
        ["DescribeManagedLoginBranding", "UpdateManagedLoginBranding", "DeleteManagedLoginBranding"]
    {
        scene.server.signed(operation, named.clone()).await.refused("ResourceNotFoundException");
    }
    let gone = scene.server.signed("DescribeManagedLoginBrandingByClient", scene.of_client()).await;
    gone.refused("ResourceNotFoundException");
}

#[tokio::test]
async fn branding_that_could_carry_something_else_is_refused() {
    let scene = Scene::new().await;
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
    for more in [
        json!({ "Assets": [picture("FORM_LOGO", "SVG", svg)] }),
        json!({ "Assets": [picture("FORM_LOGO", "PNG", svg)] }),
        json!({ "Assets": [{ "Category": "FORM_LOGO", "ColorMode": "LIGHT", "Extension": "PNG" }] }),
        json!({ "Settings": { "scripts": ["https://evil.example/x.js"] } }),
        json!({ "Settings": { "components": { "pageBackground": { "lightMode": {
            "color": "fff;} body{background:url(https://evil.example)"
        } } } } }),
        json!({ "Settings": { "links": { "help": "javascript:alert(1)" } } }),
        json!({ "Settings": {}, "UseCognitoProvidedValues": true }),
    ] {
        let refused = scene.server.signed("CreateManagedLoginBranding", with(scene.of_client(), more)).await;
        refused.refused("InvalidParameterException");
    }
    let input = json!({ "UserPoolId": scene.demo.pool_id, "ClientId": "unknown" });
    scene.server.signed("CreateManagedLoginBranding", input).await.refused("ResourceNotFoundException");
    let own = with(scene.of_client(), json!({ "UseCognitoProvidedValues": true }));
    let made = scene.server.signed("CreateManagedLoginBranding", own).await.ok();
    assert_eq!(made.body["ManagedLoginBranding"]["UseCognitoProvidedValues"], json!(true));
    assert!(made.body["ManagedLoginBranding"].get("Settings").is_none_or(Value::is_null));
}

#[tokio::test]
async fn the_classic_style_is_of_an_app_or_of_its_pool() {
    let scene = Scene::new().await;
    let pool = json!({ "UserPoolId": scene.demo.pool_id });
    let bare = scene.server.signed("GetUICustomization", scene.of_client()).await.ok();
    assert!(bare.body["UICustomization"].get("CSS").is_none_or(Value::is_null));
    let css = ".submitButton-customizable { background-color: #7a1fa2; }";
    let early = with(pool.clone(), json!({ "CSS": css }));
    let words =
        scene.server.signed("SetUICustomization", early.clone()).await.refused("InvalidParameterException");
    assert_eq!(words, "There has to be an existing domain associated with this user pool");
    scene.admin("CreateUserPoolDomain", json!({ "Domain": "shop" })).await;
    let set = with(early, json!({ "ImageFile": STANDARD.encode(PNG) }));
    let set = scene.server.signed("SetUICustomization", set).await.ok();
    assert_eq!(set.text_at("UICustomization.ClientId"), "ALL");
    let image = set.text_at("UICustomization.ImageUrl").replace(&scene.server.app.public_url, "");
    assert_eq!(scene.browser().open_bytes(&image).await.2, PNG);
    let page = scene.first_page().await;
    page.says(&image);
    let sheet = page.html.split("href=\"").find(|part| part.starts_with("/brand/")).expect("a sheet");
    let sheet = scene.browser().open(sheet.split_once('"').expect("it ends").0).await;
    assert!(sheet.html.contains(".primary{background-color:#7a1fa2}"), "{}", sheet.html);

    let own = with(scene.of_client(), json!({ "CSS": ".label-customizable { color: #333333 }" }));
    scene.server.signed("SetUICustomization", own).await.ok();
    let shown = scene.server.signed("GetUICustomization", scene.of_client()).await.ok();
    assert!(shown.text_at("UICustomization.CSS").contains("label-customizable"));
    scene.first_page().await.says_not(&image);
    for wrong in [
        json!({ "CSS": "body { background: url(https://evil.example/x) }" }),
        json!({ "CSS": "</style><script>alert(1)</script>" }),
        json!({ "ImageFile": STANDARD.encode(b"<svg/>") }),
    ] {
        scene
            .server
            .signed("SetUICustomization", with(pool.clone(), wrong))
            .await
            .refused("InvalidParameterException");
    }
}
