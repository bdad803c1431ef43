//! A person's way through the pages, kept in the store: every step is a row's new version, so any node can take the
//! next one, and any page can be opened again.

use super::cookies::Cookies;
use super::typed::NameFault;
use crate::app::App;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use postern_access::Caller;
use postern_model::{Answer, Error, ErrorKind, Refusal, refuse};
use postern_pools::Pools;
use postern_pools::auth::factors::Factor;
use postern_pools::auth::recovery::{Recovery, recovery};
use postern_pools::auth::second_factor::SecondFactor;
use postern_pools::client::Client;
use postern_pools::federation::Sent;
use postern_pools::functions;
use postern_pools::oauth::authorize::AuthorizeRequest;
use postern_pools::sign_in::{Asked, At, Kind};
use postern_pools::threats::BLOCKED;
use postern_pools::vouched::Vouched;
use postern_store::login::FlowRow;
use postern_store::{Keys, Purpose, Timestamp, Tx, random};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How long a flow waits for its next step: longer than any code lives.
const LIFE_MS: i64 = 60 * 60_000;

/// The version of a flow that never moved.
const FIRST: i64 = 1;

/// Another press of a button moved the flow in the same moment; what this one did is undone.
pub const OVERTAKEN: ErrorKind = ErrorKind { code: "flow_overtaken", status: 409 };

/// The pages of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Page {
    Identify,
    Code,
    Choose,
    Password,
    Passkey,
    NewPassword,
    SignUp,
    Confirm,
    /// Whose password was forgotten.
    Forgot,
    /// The code and a new password.
    Reset,
    /// The code of an authenticator.
    Authenticator,
    ChooseSecond,
    SetUp,
    AddPasskey,
}

impl Page {
    pub fn path(self) -> &'static str {
        match self {
            Page::Identify => "/login",
            Page::Code => "/login/code",
            Page::Choose => "/login/choose",
            Page::Password => "/login/password",
            Page::Passkey => "/login/passkey",
            Page::NewPassword => "/login/new-password",
            Page::SignUp => "/signup",
            Page::Confirm => "/confirm",
            Page::Forgot => "/forgotPassword",
            Page::Reset => "/confirmforgotPassword",
            Page::Authenticator => "/login/authenticator",
            Page::ChooseSecond => "/login/second",
            Page::SetUp => "/login/set-up",
            Page::AddPasskey => "/passkeys/add",
        }
    }
}

/// What went wrong at the last press, said on the page it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    Empty,
    NotAnAddress,
    NotAPhone,
    Wrong,
    /// The same, and few tries are left.
    WrongLeft {
        tries: u64,
    },
    Expired,
    Spent,
    /// The code was right, and is not good a second time.
    Used,
    /// No mail could be sent.
    SendFailed,
    /// No text message could be sent.
    TextFailed,
    RulesUnmet,
    /// It was the person's password before.
    Reused,
    Refused,
    /// What was proven belongs to another account.
    Taken,
    /// The sign-in is too risky for the pool.
    Blocked,
    TooMany {
        until_ms: i64,
    },
}

impl Fault {
    /// Whether it is that no code was sent.
    pub fn is_unsent(self) -> bool {
        matches!(self, Fault::SendFailed | Fault::TextFailed | Fault::TooMany { .. })
    }
}

impl From<NameFault> for Fault {
    fn from(fault: NameFault) -> Fault {
        match fault {
            NameFault::Empty => Fault::Empty,
            NameFault::NotAnAddress => Fault::NotAnAddress,
            NameFault::NotAPhone => Fault::NotAPhone,
        }
    }
}

/// What became of "Send a new code".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    Sent,
    TooSoon,
    NoneLeft,
}

/// Where a person stands.
#[derive(Serialize, Deserialize)]
pub struct State {
    pub request: AuthorizeRequest,
    pub page: Page,
    /// What was typed as a name, or hinted at.
    pub name: String,
    /// The first factors on offer, by their names on the wire.
    #[serde(default)]
    pub offered: Vec<String>,
    /// The second factors on offer, by their names on the wire.
    #[serde(default)]
    pub second: Vec<String>,
    /// The second factor that is asked for.
    #[serde(default)]
    second_asked: Option<String>,
    /// Second factors that were asked for, to come back to: the handle of each challenge, sealed, and where its code went.
    #[serde(default)]
    second_sent: BTreeMap<String, (String, String)>,
    /// The handle of the challenge that waits, sealed.
    #[serde(default)]
    session: Option<String>,
    /// Where the code went, masked.
    #[serde(default)]
    pub destination: String,
    /// The account that a sign-up in this flow made, or seemed to.
    #[serde(default)]
    pub made: Option<Made>,
    /// When a sign-up's code was sent.
    #[serde(default)]
    pub sent_ms: i64,
    #[serde(default)]
    pub fault: Option<(Page, Fault)>,
    /// What a function of the pool said against the last press; nothing when it could not be asked.
    #[serde(default)]
    pub said: Option<(Page, String)>,
    #[serde(default)]
    pub notice: Option<Notice>,
    /// What was typed into the fields of a form, and what is wrong with each. Never a password.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
    #[serde(default)]
    pub field_faults: BTreeMap<String, Fault>,
    /// The attributes that a new password must come with.
    #[serde(default)]
    pub missing: Vec<String>,
    /// Signing up with a password although none is needed.
    #[serde(default)]
    pub with_password: bool,
    /// What the browser can do with passkeys.
    #[serde(default)]
    pub passkeys: PasskeyBrowser,
    /// A passkey is wanted, whatever is offered.
    #[serde(default)]
    pub wants_passkey: bool,
    /// What the browser was sent to an outside provider with, until it comes back.
    #[serde(default)]
    pub sent: Option<Sent>,
    /// What the provider had the browser post, sealed: for the browser's next request, which is known to be its own.
    #[serde(default)]
    pub brought: Option<String>,
    /// The outside provider that vouched for the person, and what it said.
    #[serde(default)]
    pub vouched: Option<Vouched>,
    #[serde(default)]
    pub done: bool,
}

/// An account that the person behind a flow made: its name as it was typed, and its id, which is nobody's where the name
/// was somebody's already.
#[derive(Clone, Serialize, Deserialize)]
pub struct Made {
    pub name: String,
    pub account: String,
}

/// What a browser can do with passkeys, as its script says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PasskeyBrowser {
    #[default]
    None,
    /// Ask for one that is kept somewhere.
    Use,
    /// Keep one itself, too.
    Keep,
}

/// A flow of the browser that asks for it.
pub struct Flow {
    pub id: String,
    pub at: At,
    pub state: State,
    /// Too old to go on; what it was for is still known.
    pub is_expired: bool,
    version: i64,
}

impl State {
    pub fn new(request: AuthorizeRequest, page: Page) -> Self {
        State {
            page: if page == Page::AddPasskey { Page::Identify } else { page },
            name: request.login_hint.clone().unwrap_or_default(),
            request,
            offered: Vec::new(),
            second: Vec::new(),
            second_asked: None,
            second_sent: BTreeMap::new(),
            session: None,
            destination: String::new(),
            made: None,
            sent_ms: 0,
            fault: None,
            said: None,
            notice: None,
            fields: BTreeMap::new(),
            field_faults: BTreeMap::new(),
            missing: Vec::new(),
            with_password: false,
            passkeys: PasskeyBrowser::None,
            wants_passkey: page == Page::AddPasskey,
            sent: None,
            brought: None,
            vouched: None,
            done: false,
        }
    }

    /// Keeps which factors are on offer. The pages take a password itself, so its proof is not one of them.
    pub fn offer(&mut self, available: &[Factor]) {
        let shown = available.iter().filter(|factor| **factor != Factor::PasswordSrp);
        self.offered = shown.map(|factor| factor.as_str().to_owned()).collect();
    }

    pub fn offers(&self, factor: Factor) -> bool {
        self.offered.iter().any(|offered| offered == factor.as_str())
    }

    /// Whether there is more than one way that the person's browser can take.
    pub fn has_other_ways(&self) -> bool {
        let can = |name: &str| name != Factor::WebAuthn.as_str() || self.passkeys != PasskeyBrowser::None;
        self.offered.iter().filter(|name| can(name)).count() > 1
    }

    pub fn offers_second(&self, factor: SecondFactor) -> bool {
        self.second.iter().any(|offered| offered == factor.as_str())
    }

    /// The second factor that is asked for, if it is one's turn.
    pub fn second_asked(&self) -> Option<SecondFactor> {
        SecondFactor::parse(self.second_asked.as_deref()?)
    }

    /// Whether the first factor is proven and another one is asked for by a page of its own.
    fn is_at_second(&self) -> bool {
        matches!(self.page, Page::Authenticator | Page::ChooseSecond | Page::SetUp)
    }

    pub fn has_session(&self) -> bool {
        self.session.is_some()
    }

    pub fn forget_session(&mut self) {
        self.session = None;
        self.second_asked = None;
        self.second_sent.clear();
    }

    /// Forgets what was said about the press before.
    pub fn clear(&mut self) {
        self.fault = None;
        self.said = None;
        self.notice = None;
        self.field_faults.clear();
    }

    /// The fault to be shown on a page.
    pub fn fault_on(&self, page: Page) -> Option<Fault> {
        self.fault.filter(|(on, _)| *on == page).map(|(_, fault)| fault)
    }

    /// Notes what went wrong, and stays on the page that says it.
    pub fn stay(&mut self, page: Page, fault: Fault) {
        self.page = page;
        self.fault = Some((page, fault));
    }

    /// Stays on a page where a refusal is told as it is ([`is_told`]).
    pub fn stay_told(&mut self, page: Page, refused: &Refusal) {
        self.page = page;
        match refused.message == BLOCKED {
            true => self.fault = Some((page, Fault::Blocked)),
            false => self.said = Some((page, functions::words_of(refused).to_owned())),
        }
    }
}

/// Tells whether a refusal is told as it is: one of a function, or of threat protection.
pub fn is_told(refused: &Refusal) -> bool {
    functions::refused(refused.kind) || refused.message == BLOCKED
}

impl Flow {
    /// Begins a flow in a browser and gives its id, which is worth nothing in another one.
    pub fn begin(tx: &mut Tx<'_>, pools: &Pools, at: &At, browser: &str, state: &State) -> Answer<String> {
        pools.note_flow(tx, at)?;
        let id = BASE64URL.encode(random::bytes::<16>());
        tx.add_flow(&FlowRow {
            id: id.clone(),
            browser: tx.keys().mac(Purpose::Handle, &parts(browser)).to_vec(),
            pool_id: at.pool.id.clone(),
            client_id: at.client.id.clone(),
            state: serde_json::to_string(state).map_err(anyhow::Error::from)?,
            version: FIRST,
            created: at.now,
            expires: at.now.plus_ms(LIFE_MS),
        })?;
        Ok(id)
    }

    /// Finds a flow of this browser, if its app is still there.
    pub fn find(
        tx: &mut Tx<'_>,
        pools: &Pools,
        caller: &Caller,
        id: &str,
        browser: Option<&str>,
    ) -> Answer<Option<Flow>> {
        let Some(row) = tx.find_flow(id)? else { return Ok(None) };
        let is_its_browser = browser
            .is_some_and(|browser| tx.keys().mac_matches(Purpose::Handle, &parts(browser), &row.browser));
        if !is_its_browser {
            return Ok(None);
        }
        Flow::read(tx, pools, caller, row)
    }

    /// Finds a flow whatever browser asks: to leave in it what a provider had a browser post, since browsers send no
    /// cookie along when another site has them post something; and to begin anew what never went on.
    pub fn find_in_any_browser(
        tx: &mut Tx<'_>,
        pools: &Pools,
        caller: &Caller,
        id: &str,
    ) -> Answer<Option<Flow>> {
        let Some(row) = tx.find_flow(id)? else { return Ok(None) };
        Flow::read(tx, pools, caller, row)
    }

    fn read(tx: &mut Tx<'_>, pools: &Pools, caller: &Caller, row: FlowRow) -> Answer<Option<Flow>> {
        let at = match pools.at(tx, caller, &row.client_id, None) {
            Ok(at) => at,
            Err(Error::Refused(_)) => return Ok(None),
            Err(failed) => return Err(failed),
        };
        let state: State = serde_json::from_str(&row.state).map_err(anyhow::Error::from)?;
        let goal = pools.goal_in_browser(&at.pool, &state.request.levels(&at.pool));
        Ok(Some(Flow {
            state,
            is_expired: at.now >= row.expires,
            at: At { client: hiding(at.client), goal, ..at },
            id: row.id,
            version: row.version,
        }))
    }

    /// Writes down where the person stands now.
    pub fn save(&self, tx: &mut Tx<'_>) -> Answer<()> {
        let state = serde_json::to_string(&self.state).map_err(anyhow::Error::from)?;
        if tx.move_flow(&self.id, self.version, &state, self.at.now.plus_ms(LIFE_MS))? {
            return Ok(());
        }
        refuse(OVERTAKEN, "")
    }

    /// Keeps what a challenge asks.
    pub fn keep(&mut self, keys: &Keys, asked: &Asked) {
        self.state.session = Some(BASE64URL.encode(keys.seal(Purpose::Handle, asked.session.as_bytes())));
        if matches!(asked.kind, Kind::Code(_)) {
            self.state.destination = asked.destination.clone().unwrap_or_default();
        }
        if !asked.available.is_empty() {
            self.state.offer(&asked.available);
        }
        self.state.missing = asked.missing.clone();
        self.state.second_asked = None;
        self.state.second = asked.second.iter().map(|factor| factor.as_str().to_owned()).collect();
    }

    /// Keeps the question of a second factor, beside those that were asked before.
    pub fn keep_second(&mut self, keys: &Keys, asked: &Asked, factor: SecondFactor) {
        self.keep(keys, asked);
        let state = &mut self.state;
        let sealed = state.session.clone().unwrap_or_default();
        let name = factor.as_str().to_owned();
        state.second_sent.insert(name.clone(), (sealed, state.destination.clone()));
        state.second_asked = Some(name);
    }

    /// The handle of a second factor's challenge that was asked before.
    pub fn session_of_second(&self, keys: &Keys, factor: SecondFactor) -> Option<String> {
        let (sealed, _) = self.state.second_sent.get(factor.as_str())?;
        opened(keys, sealed)
    }

    /// Goes back to the question of a second factor that was asked before.
    pub fn resume_second(&mut self, factor: SecondFactor) {
        let state = &mut self.state;
        if let Some((sealed, destination)) = state.second_sent.get(factor.as_str()).cloned() {
            state.session = Some(sealed);
            state.destination = destination;
            state.second_asked = Some(factor.as_str().to_owned());
        }
    }

    /// The handle of the challenge that waits.
    pub fn session(&self, keys: &Keys) -> Option<String> {
        opened(keys, self.state.session.as_deref()?)
    }

    /// Drawn anew whenever the flow moves.
    pub fn version(&self) -> i64 {
        self.version
    }

    /// The address of a page of this flow.
    pub fn href(&self, page: Page) -> String {
        format!("{}?flow={}", page.path(), self.id)
    }

    /// The address of where the person stands, or of the beginning when that is no longer offered.
    pub fn stands_href(&self) -> String {
        match self.fits(self.state.page) {
            true => self.href(self.state.page),
            false => self.different_href(),
        }
    }

    /// Where another name is asked for.
    pub fn different_href(&self) -> String {
        format!("{}&other=1", self.href(Page::Identify))
    }

    /// Where the same request begins anew, at the page that it began at.
    pub fn begin_href(&self) -> String {
        let href = self.state.request.href(false);
        let (_, parameters) = href.split_once('?').unwrap_or_default();
        let page = if self.state.wants_passkey { Page::AddPasskey } else { self.state.page };
        match page {
            Page::SignUp | Page::Forgot | Page::AddPasskey => format!("{}?{parameters}", page.path()),
            _ => href,
        }
    }

    /// Whether nothing was done in it yet.
    pub fn is_untouched(&self) -> bool {
        self.version == FIRST && !self.is_expired
    }

    pub fn app_name(&self) -> &str {
        self.at.app_name()
    }

    /// Tells whether people may set a new password by themselves.
    pub fn may_recover(&self) -> bool {
        self.at.client.supports(None) && recovery(&self.at.pool.recovery, |_| true) != Recovery::AdminOnly
    }

    /// Tells whether a sign-up waits for the link in its mail to be opened, rather than for a code.
    pub fn waits_for_link(&self) -> bool {
        self.at.pool.confirms_by_link() && !self.state.destination.starts_with('+')
    }

    /// Tells whether people may create accounts here: if they can confirm them.
    pub fn may_sign_up(&self) -> bool {
        self.at.client.supports(None) && !self.at.pool.admin_only && !self.at.pool.auto_verified.is_empty()
    }

    /// Tells whether a page makes sense where the person stands.
    pub fn fits(&self, page: Page) -> bool {
        let state = &self.state;
        match page {
            Page::Identify => state.page == Page::Identify,
            Page::Code => match state.second_asked() {
                Some(factor) => factor != SecondFactor::Totp,
                None => {
                    let is_elsewhere = matches!(state.page, Page::NewPassword | Page::Confirm);
                    state.has_session() && !is_elsewhere && !state.is_at_second()
                }
            },
            Page::Authenticator => state.second_asked() == Some(SecondFactor::Totp),
            Page::ChooseSecond => {
                state.page == page || state.second_asked().is_some() && state.second.len() > 1
            }
            Page::Choose => state.has_other_ways() && state.page != Page::Identify,
            Page::Password => state.offers(Factor::Password) && state.page != Page::Identify,
            Page::Passkey => state.offers(Factor::WebAuthn) && state.page != Page::Identify,
            Page::NewPassword => state.page == Page::NewPassword,
            Page::SignUp => self.may_sign_up(),
            Page::Forgot => self.may_recover(),
            Page::Confirm | Page::Reset | Page::SetUp => state.page == page,
            Page::AddPasskey => state.done,
        }
    }

    /// Since when a moment is no longer in the future, in seconds from now.
    pub fn seconds_until(&self, until_ms: i64) -> u64 {
        let left_ms = Timestamp::from_ms(until_ms).since(self.at.now).max(0);
        u64::try_from(left_ms).unwrap_or_default().div_ceil(1000)
    }
}

/// The token that ties a form to its browser and its flow (rule B3).
pub fn csrf(keys: &Keys, browser: &str, flow: &str) -> String {
    BASE64URL.encode(keys.mac(Purpose::Handle, &[b"form", browser.as_bytes(), flow.as_bytes()]))
}

pub fn csrf_matches(app: &App, cookies: &Cookies, flow: &str, given: &str) -> bool {
    let (Some(browser), Ok(given)) = (cookies.browser(), BASE64URL.decode(given)) else { return false };
    let parts: [&[u8]; 3] = [b"form", browser.as_bytes(), flow.as_bytes()];
    app.store.keys().mac_matches(Purpose::Handle, &parts, &given)
}

fn opened(keys: &Keys, sealed: &str) -> Option<String> {
    let sealed = BASE64URL.decode(sealed).ok()?;
    String::from_utf8(keys.open(Purpose::Handle, &sealed).ok()?).ok()
}

fn parts(browser: &str) -> [&[u8]; 2] {
    [b"browser", browser.as_bytes()]
}

/// The pages never tell who has an account, whatever the app client lets its API tell (rule E1).
pub fn hiding(client: Arc<Client>) -> Arc<Client> {
    if client.hides_existence {
        return client;
    }
    Arc::new(Client { hides_existence: true, ..Client::clone(&client) })
}
