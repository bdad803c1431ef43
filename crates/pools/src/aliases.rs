//! Aliases that move: an address or a number that somebody new has proven is theirs, and no longer the name of who had
//! it before (`ForceAliasCreation`).

use crate::Pools;
use crate::destination::Medium;
use crate::sign_in::At;
use crate::step::Subject;
use crate::user::User;
use postern_model::Answer;
use postern_store::Tx;

impl Pools {
    /// Takes the alias that a user is about to get from whoever has it: theirs is no longer verified, and no longer a
    /// name.
    pub fn free_alias(&self, tx: &mut Tx<'_>, at: &At, user: &User, medium: Medium) -> Answer<()> {
        let attribute = medium.attribute();
        let is_alias = at.pool.alias_attributes.iter().any(|kind| kind.as_str() == attribute);
        let Some(value) = user.attribute(attribute).filter(|_| is_alias && user.is_verified(attribute))
        else {
            return Ok(());
        };
        let owner = tx.user_named(&at.pool.id, &at.pool.name_key(value))?.filter(|owner| *owner != user.id);
        let Some(owner) = owner else { return Ok(()) };
        let Some(row) = tx.user_to_change(&at.pool.id, &owner)? else { return Ok(()) };
        let mut owner = User::from_row(row)?;
        owner.set_verified(attribute, false);
        owner.save(tx, at.now)?;
        tx.drop_user_names(&at.pool.id, &owner.id, attribute)?;
        let subject = Subject { name_key: at.pool.name_key(&owner.username), user: Some(owner) };
        self.audit(tx, at, &subject, "AliasMoved", "lost", attribute)
    }
}
