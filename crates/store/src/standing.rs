//! What stands in a row, so that a change may hold only while it is what was read of it.

use crate::tx::Engine;
use crate::{Row, Tx, values};
use anyhow::Result;

/// A row that is read, changed and written back by people.
#[derive(Clone, Debug)]
pub enum Kept {
    Pool { id: String },
    Risk { pool_id: String },
    Client { id: String },
    User { pool_id: String, id: String },
    Group { pool_id: String, name: String },
    Provider { pool_id: String, name: String },
    ResourceServer { pool_id: String, identifier: String },
    Domain { name: String },
    Branding { client_id: String },
    LogDeliveries { pool_id: String },
}

/// A row, and what stood in it.
#[derive(Clone, Debug)]
pub struct Standing {
    kept: Kept,
    said: Option<String>,
}

/// What was read is not what stands there any more, so that nothing was written.
#[derive(Debug)]
pub struct Overtaken;

impl std::error::Error for Overtaken {}

impl std::fmt::Display for Overtaken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("it was changed since it was read")
    }
}

impl Tx<'_> {
    /// What stands in a row now.
    pub fn standing(&mut self, kept: Kept) -> Result<Standing> {
        let said = self.said(&kept)?;
        Ok(Standing { kept, said })
    }

    /// Wants a row to be as it was, and to stay so until this unit of work ends.
    pub(crate) fn still(&mut self, standing: &Standing) -> Result<()> {
        self.hold(&standing.kept)?;
        match self.said(&standing.kept)? == standing.said {
            true => Ok(()),
            false => Err(Overtaken.into()),
        }
    }

    /// Has others who would change a row wait. SQLite's units do so anyway.
    fn hold(&mut self, kept: &Kept) -> Result<()> {
        if let Engine::Sqlite(_) = self.engine {
            return Ok(());
        }
        match kept {
            // Whoever changes one of these locks the pool, or the user, first.
            Kept::Pool { id } => return self.lock_pool(id),
            Kept::LogDeliveries { pool_id } | Kept::Risk { pool_id } => return self.lock_pool(pool_id),
            Kept::User { pool_id, id } => return self.user_to_change(pool_id, id).map(drop),
            Kept::Client { id } => self.run("update app_clients set id = id where id = $1", values![id]),
            Kept::Group { pool_id, name } => self.run(
                "update user_groups set name = name where pool_id = $1 and name = $2",
                values![pool_id, name],
            ),
            Kept::Provider { pool_id, name } => self.run(
                "update identity_providers set name = name where pool_id = $1 and name = $2",
                values![pool_id, name],
            ),
            Kept::ResourceServer { pool_id, identifier } => self.run(
                "update resource_servers set identifier = identifier where pool_id = $1 and identifier = $2",
                values![pool_id, identifier],
            ),
            Kept::Domain { name } => {
                self.run("update domains set name = name where name = $1", values![name])
            }
            Kept::Branding { client_id } => self.run(
                "update login_brandings set client_id = client_id where client_id = $1",
                values![client_id],
            ),
        }?;
        Ok(())
    }

    fn said(&mut self, kept: &Kept) -> Result<Option<String>> {
        let said = |row: &Row<'_>| {
            let parts = [row.opt_text(0)?, row.opt_text(1)?, row.opt_text(2)?];
            Ok(format!("{parts:?}"))
        };
        match kept {
            Kept::Pool { id } => {
                self.row("select name, config, mfa_config from user_pools where id = $1", values![id], said)
            }
            Kept::Risk { pool_id } => self.row(
                "select config, '', '' from risk_configurations where pool_id = $1 and client_id = ''",
                values![pool_id],
                said,
            ),
            Kept::Client { id } => {
                self.row("select name, config, '' from app_clients where id = $1", values![id], said)
            }
            Kept::User { pool_id, id } => self.row(
                "select attributes, '', '' from users where pool_id = $1 and id = $2",
                values![pool_id, id],
                said,
            ),
            Kept::Group { pool_id, name } => self.row(
                "select description, role_arn, cast(precedence as text) from user_groups \
                 where pool_id = $1 and name = $2",
                values![pool_id, name],
                said,
            ),
            // What is secret of one is sealed anew at each write.
            Kept::Provider { pool_id, name } => {
                let row = "select config, secrets from identity_providers where pool_id = $1 and name = $2";
                self.row(row, values![pool_id, name], |row| {
                    Ok(format!("{} {:?}", row.text(0)?, row.blob(1)?))
                })
            }
            Kept::ResourceServer { pool_id, identifier } => self.row(
                "select name, scopes, '' from resource_servers where pool_id = $1 and identifier = $2",
                values![pool_id, identifier],
                said,
            ),
            Kept::Domain { name } => {
                self.row("select pool_id, config, '' from domains where name = $1", values![name], said)
            }
            Kept::LogDeliveries { pool_id } => self.row(
                "select max(case source when 'userNotification' then destination end), \
                 max(case source when 'userAuthEvents' then destination end), '' \
                 from log_deliveries where pool_id = $1",
                values![pool_id],
                said,
            ),
            Kept::Branding { client_id } => self.row(
                "select id, settings, '' from login_brandings where client_id = $1",
                values![client_id],
                said,
            ),
        }
    }
}
