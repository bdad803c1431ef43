//! The level of authentication that an app asks for (`TARGET_ACR_VALUES`, `MAX_AGE`, `ACCESS_TOKEN`).

use super::Begin;
use crate::Pools;
use crate::auth::acr::{Goal, Level};
use crate::pool::Pool;
use crate::sign_in::At;
use crate::tokens::SignInFacts;
use postern_model::cognito_idp::AuthFlowType;
use postern_model::cognito_idp::errors::*;
use postern_model::{Answer, Error, refusal, refuse};
use postern_store::Tx;

const TARGETS: &str = "TARGET_ACR_VALUES";

impl Pools {
    /// The level that a sign-in is to reach: of those that are asked for, the best that the pool's factors lead to. Nothing
    /// here depends on who signs in, but for what their own token says.
    pub(super) fn goal_of_begin(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        begin: &Begin,
        username: &str,
    ) -> Answer<Option<Goal>> {
        let parameter = |name: &str| begin.parameters.get(name);
        let Some(targets) = parameter(TARGETS) else {
            return match ["ACCESS_TOKEN", "MAX_AGE"].into_iter().find(|name| parameter(name).is_some()) {
                Some(name) => Err(invalid(format!("{name} can be used with {TARGETS} only."))),
                None => Ok(None),
            };
        };
        if begin.flow != AuthFlowType::UserAuth {
            return Err(invalid(format!("{TARGETS} can be used with the USER_AUTH flow only.")));
        }
        let Some(names) = &at.pool.levels else {
            return refuse(
                FeatureUnavailableInTierException,
                "Step-up authentication is not available in the Lite tier.",
            );
        };
        let max_age_s = match parameter("MAX_AGE").map(str::parse::<u32>) {
            None => None,
            Some(Ok(seconds)) => Some(i64::from(seconds)),
            Some(Err(_)) => return Err(invalid("MAX_AGE must be a number of seconds.".to_owned())),
        };
        let asked = names.read(targets);
        if asked.is_empty() {
            return Err(invalid(format!("{TARGETS} names no authentication level of the user pool.")));
        }
        let Some(level) = best(&at.pool, &asked) else {
            return Err(invalid(format!("No level in {TARGETS} can be reached in the user pool.")));
        };
        let goal = Goal { level, voluntary: false };
        if let Some(token) = parameter("ACCESS_TOKEN") {
            self.is_short_of(tx, at, username, token, goal, max_age_s)?;
        }
        Ok(Some(goal))
    }

    /// Refuses to step up from a sign-in of somebody else, or from one that is there already.
    fn is_short_of(
        &self,
        tx: &mut Tx<'_>,
        at: &At,
        username: &str,
        token: &str,
        goal: Goal,
        max_age_s: Option<i64>,
    ) -> Answer<()> {
        let bearer = self.bearer(tx, token)?;
        let named = self.find_user(tx, &at.pool, username)?;
        if bearer.pool.id != at.pool.id || named.is_none_or(|user| user.id != bearer.user.id) {
            return refuse(NotAuthorizedException, "Invalid Access Token");
        }
        let sign_in = match &bearer.claims.sign_in {
            Some(id) => tx.find_sign_in(id)?,
            None => None,
        };
        let Some(sign_in) = sign_in else { return Ok(()) };
        let facts: SignInFacts = serde_json::from_str(&sign_in.facts).map_err(anyhow::Error::from)?;
        let age_s = at.now.seconds() - facts.auth_time;
        if goal.is_met_by(&facts.amr) && max_age_s.is_none_or(|most_s| age_s <= most_s) {
            return Err(invalid("The requested authentication level is already satisfied.".to_owned()));
        }
        Ok(())
    }

    /// The level that a browser is to reach by the pool's own factors, where an app names one to which they lead
    /// (`acr_values`). It is a wish: OpenID Connect Core §3.1.2.1 has it voluntary.
    pub fn goal_in_browser(&self, pool: &Pool, asked: &[Level]) -> Option<Goal> {
        Some(Goal { level: best(pool, asked)?, voluntary: true })
    }
}

/// The first of some levels that the pool's factors lead to.
fn best(pool: &Pool, asked: &[Level]) -> Option<Level> {
    asked.iter().copied().find(|level| pool.leads_to(*level))
}

fn invalid(words: String) -> Error {
    refusal(InvalidParameterException, words)
}
