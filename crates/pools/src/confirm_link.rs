//! The link by which a sign-up is confirmed in the place of a code (`CONFIRM_WITH_LINK`): the address of our page with
//! the account and its code, in Cognito's parameters.

use crate::Pools;
use crate::oauth::pairs::query;
use crate::outgoing::Letter;
use crate::step::At;
use postern_model::Answer;
use postern_store::Tx;

/// Where the page is.
pub const PATH: &str = "/confirmUser";

impl Pools {
    /// The link that a message carries, if it is one that does. It leads to the pool's own domain where there is one
    /// with an address of its own; never to a name that a request came by (rule M1).
    pub(crate) fn confirm_link(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        letter: &Letter<'_>,
    ) -> Answer<Option<String>> {
        let code = letter.code.filter(|_| letter.carries_link(&at.pool));
        let Some(code) = code else { return Ok(None) };
        let domains = tx.domains_of_pool(&at.pool.id)?;
        let domain = domains.iter().find(|domain| domain.custom).or(domains.first());
        let home = domain.and_then(|domain| self.place.domain_url(&domain.name, domain.custom));
        let home = home.unwrap_or_else(|| self.place.public_url.clone());
        let user_name = letter.user.map_or("", |user| &user.username);
        let parameters =
            [("client_id", at.client.id.as_str()), ("user_name", user_name), ("confirmation_code", code)];
        Ok(Some(format!("{home}{PATH}?{}", query(&parameters))))
    }
}
