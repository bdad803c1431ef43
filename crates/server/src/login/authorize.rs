//! Where a sign-in begins: `/oauth2/authorize`, and the pages that take the same parameters.

use super::back;
use super::cookies::Cookies;
use super::flow::{Flow, Page, State};
use super::outside;
use super::press::{redirect, redirect_with};
use super::problem;
use super::visit::Visit;
use axum::http::StatusCode;
use axum::response::Response;
use postern_model::cognito_idp::errors::LimitExceededException;
use postern_model::{Answer, Error};
use postern_pools::oauth::authorize::{
    self, AuthorizeRequest, Prompt, Refused, ResponseType, Stop, Wanted, Wrong,
};
use postern_pools::oauth::browser::{Hinted, Person};
use postern_pools::oauth::pairs::Pairs;
use postern_pools::oauth::redirect::Back;
use postern_pools::sign_in::At;
use postern_pools::tokens::Grant;
use postern_store::Tx;

/// The parameter by which an app says whom it expects.
const HINT: &str = "id_token_hint";

/// What an authorization request leads to.
enum Begun {
    /// Back to the app, with a code or an error.
    Back {
        app_name: String,
        back: Back,
        /// The session lasts longer now: the pool's, and how long.
        kept: Option<(String, i64)>,
    },
    /// Back to the app with tokens, which are still to be signed.
    Tokens {
        at: Box<At>,
        request: Box<AuthorizeRequest>,
        grant: Box<Grant>,
        kept: Option<(String, i64)>,
    },
    Flow {
        id: String,
        page: Page,
    },
    /// On to an outside provider.
    Out {
        id: String,
        provider: String,
    },
    Wrong(Wrong),
}

/// Answers an authorization request: by a code or tokens where somebody is signed in, by a sign-in otherwise.
pub async fn authorize(visit: Visit) -> Response {
    begin(visit, Page::Identify).await
}

/// Takes a request that was posted (OpenID Connect Core §3.1.2.1) on as a GET, for which browsers send our cookies
/// though another site sends them here.
pub async fn authorize_posted(visit: Visit) -> Response {
    visit.taken_on("/oauth2/authorize").await
}

/// Begins a flow at a page.
pub async fn begin(visit: Visit, page: Page) -> Response {
    let known = visit.cookies.browser().map(str::to_owned);
    let browser = known.clone().unwrap_or_else(Cookies::fresh_browser);
    let (asked, its_browser) = (visit.clone(), browser.clone());
    let pools = visit.app.pools.clone();
    match pools.page_unit(&visit.caller, move |tx| asked.begun(tx, &its_browser, page)).await {
        Ok(Begun::Back { app_name, back, kept }) => {
            visit.keep_session(kept, back::send(&visit, &app_name, back))
        }
        Ok(Begun::Tokens { at, request, grant, kept }) => {
            match pools.answer_with_tokens(&request, &at.pool.issuer, *grant).await {
                Ok(back) => visit.keep_session(kept, back::send(&visit, at.app_name(), back)),
                Err(cause) => problem::failed(&visit, &cause),
            }
        }
        Ok(Begun::Flow { id, page }) => {
            let cookie = known.is_none().then(|| visit.cookies.set_browser(&browser));
            visit.keep_language(redirect_with(
                StatusCode::FOUND,
                &format!("{}?flow={id}", page.path()),
                cookie,
            ))
        }
        Ok(Begun::Out { id, provider }) => {
            let response = outside::go(&visit, &id, &browser, &provider).await;
            let response = visit.keep_language(response);
            match known {
                Some(_) => response,
                None => visit.cookies.set_browser(&browser).on(response),
            }
        }
        Ok(Begun::Wrong(wrong)) => problem::wrong(&visit, wrong),
        Err(Error::Refused(no)) if no.kind == LimitExceededException => problem::too_many(&visit, &no),
        Err(cause) => problem::failed(&visit, &cause),
    }
}

impl Visit {
    fn begun(&self, tx: &mut Tx<'_>, browser: &str, page: Page) -> Answer<Begun> {
        let at = match self.client(tx, &self.query)? {
            Ok(at) => at,
            Err(wrong) => return Ok(Begun::Wrong(wrong)),
        };
        let send = |back: Back, kept| Begun::Back { app_name: at.app_name().to_owned(), back, kept };
        let back = |refused: Refused| send(refused.back(&at.pool.issuer), None);
        let is_errand = page == Page::AddPasskey && !self.query.has("response_type");
        let read = match is_errand {
            true => authorize::errand(&self.query, &at.client).map_err(Stop::Page),
            false => authorize::parse(&self.query, &at.client, self.app.pools.rules.pkce_required),
        };
        let mut request = match read {
            Ok(request) => request,
            Err(Stop::Page(wrong)) => return Ok(Begun::Wrong(wrong)),
            Err(Stop::Back(refused)) => return Ok(back(refused)),
        };
        let hinted = match &request.id_token_hint {
            Some(hint) => self.app.pools.hinted(tx, hint)?,
            None => None,
        };
        let is_its = |hinted: &Hinted| hinted.client_id == at.client.id;
        if request.id_token_hint.is_some() && !hinted.as_ref().is_some_and(is_its) {
            return Ok(back(
                request.refused("invalid_request", "id_token_hint is no ID token of this client"),
            ));
        }
        // Whoever signs in is held against it, too.
        request.id_token_hint = hinted.as_ref().map(|hinted| hinted.sealed(tx.keys())).transpose()?;
        let provider = match wanted(tx, &at, &request)? {
            Ok(provider) => provider,
            Err(refused) => return Ok(back(refused)),
        };
        // Who came by one way is signed in for the apps that take it.
        let came_well = |person: &Person| {
            at.client.supports(person.provider())
                && provider.as_deref().is_none_or(|wanted| person.provider() == Some(wanted))
        };
        if let Some(person) = self.person(tx, &at)?
            && came_well(&person)
            && request.is_content_with(person.auth, at.now)
            && self
                .app
                .pools
                .level_wished(&at, &request, provider.as_deref())
                .is_none_or(|level| person.is_at(level, at.now))
            && hinted.as_ref().is_none_or(|hinted| hinted.user_id == person.user.id)
            && (page != Page::AddPasskey || self.app.pools.is_fresh(&at, person.auth))
        {
            if page == Page::AddPasskey {
                let mut state = State::new(request, page);
                state.done = true;
                return Ok(Begun::Flow { id: Flow::begin(tx, &self.app.pools, &at, browser, &state)?, page });
            }
            let is_kept = match self.cookies.session(&at.pool.id) {
                Some(handle) => self.app.pools.keep_browser_in(tx, &at, handle)?,
                None => false,
            };
            let kept = is_kept.then(|| (at.pool.id.clone(), at.client.sso_ms));
            if request.response_type == ResponseType::Code {
                return Ok(send(self.app.pools.answer_with_code(tx, &at, &request, &person)?, kept));
            }
            return Ok(match self.app.pools.grant_to_browser(tx, &at, &request, &person)? {
                Ok(grant) => Begun::Tokens {
                    request: Box::new(request),
                    grant: Box::new(grant),
                    kept,
                    at: Box::new(at),
                },
                Err(no) => back(request.refused("server_error", &no.message)),
            });
        }
        if request.prompt == Prompt::Never {
            return Ok(back(
                request.refused("login_required", "nobody is signed in, or not recently enough"),
            ));
        }
        let state = State::new(request, page);
        let id = Flow::begin(tx, &self.app.pools, &at, browser, &state)?;
        Ok(match provider {
            Some(provider) => Begun::Out { id, provider },
            None => Begun::Flow { id, page: state.page },
        })
    }

    /// Tells the browser that its session lasts longer, if it does.
    fn keep_session(&self, kept: Option<(String, i64)>, response: Response) -> Response {
        let kept = kept.and_then(|(pool, life_ms)| {
            let handle = self.cookies.session(&pool)?;
            Some(self.cookies.set_session(&pool, handle, life_ms / 1000))
        });
        match kept {
            Some(cookie) => cookie.on(response),
            None => response,
        }
    }

    /// The client that parameters name, with its pool.
    fn client(&self, tx: &mut Tx<'_>, pairs: &Pairs) -> Answer<Result<At, Wrong>> {
        let client_id = match authorize::client_id(pairs) {
            Ok(client_id) => client_id,
            Err(wrong) => return Ok(Err(wrong)),
        };
        self.client_named(tx, client_id)
    }

    pub fn client_named(&self, tx: &mut Tx<'_>, client_id: &str) -> Answer<Result<At, Wrong>> {
        match self.app.pools.at(tx, &self.caller, client_id, None) {
            // A domain is the door of one pool (rule H5).
            Ok(at) if self.only().is_none_or(|pool_id| pool_id == at.pool.id) => Ok(Ok(at)),
            Ok(_) => Ok(Err(Wrong::UnknownClient(client_id.to_owned()))),
            Err(Error::Refused(_)) => Ok(Err(Wrong::UnknownClient(client_id.to_owned()))),
            Err(failed) => Err(failed),
        }
    }

    /// Who is signed in in this browser.
    pub fn person(&self, tx: &mut Tx<'_>, at: &At) -> Answer<Option<Person>> {
        match self.cookies.session(&at.pool.id) {
            Some(handle) => self.app.pools.person_in_browser(tx, at, handle),
            None => Ok(None),
        }
    }

    /// Takes a form that another site posted on as a GET, for which browsers send our cookies though another site sends them
    /// here. An ID token in it is made short, since addresses end in histories and logs.
    pub(super) async fn taken_on(&self, path: &str) -> Response {
        let asked: Pairs = self.query.clone().into_iter().chain(self.form.clone()).collect();
        let Some(hint) = self.form.first(HINT).map(str::to_owned) else {
            return redirect(StatusCode::SEE_OTHER, &format!("{path}?{}", asked.query()));
        };
        let pools = self.app.pools.clone();
        let short: Answer<String> = self.app.store.read(move |tx| pools.shortened(tx, &hint)).await;
        match short {
            Ok(short) => {
                let short = |(name, value)| if name == HINT { (name, short.clone()) } else { (name, value) };
                let asked: Pairs = asked.into_iter().map(short).collect();
                redirect(StatusCode::SEE_OTHER, &format!("{path}?{}", asked.query()))
            }
            Err(cause) => problem::failed(self, &cause),
        }
    }
}

/// The outside provider that a request sends people on to, if it is there and this client's.
pub(super) fn wanted(
    tx: &mut Tx<'_>,
    at: &At,
    request: &AuthorizeRequest,
) -> Answer<Result<Option<String>, Refused>> {
    let (name, said) = match &request.provider {
        None => return Ok(Ok(None)),
        Some(Wanted::Named(name)) => (Some(name.clone()), "identity_provider does not exist"),
        Some(Wanted::Identified(identifier)) => {
            let name = tx.provider_identified(&at.pool.id, identifier)?;
            (name, "idp_identifier is no identifier of an identity provider of this client")
        }
    };
    let known = tx.provider_names(&at.pool.id)?;
    let name = name.filter(|name| known.contains(name) && at.client.supports(Some(name)));
    Ok(match name {
        Some(name) => Ok(Some(name)),
        None => Err(request.refused("invalid_request", said)),
    })
}
