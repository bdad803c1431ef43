//! Where a pool's events are written to (log export).

use crate::Pools;
use crate::operations::pools::StoredPool;
use crate::settings::invalid;
use crate::settings::logs::{accepted, shown};
use postern_access::{Caller, Operations};
use postern_model::Answer;
use postern_model::cognito_idp::*;
use postern_store::Tx;

pub fn operations() -> Operations<Pools> {
    Operations::new()
        .on(op::GetLogDeliveryConfiguration, Pools::get_log_delivery_configuration)
        .on(op::SetLogDeliveryConfiguration, Pools::set_log_delivery_configuration)
}

impl Pools {
    pub async fn get_log_delivery_configuration(
        &self,
        _: &Caller,
        request: GetLogDeliveryConfigurationRequest,
    ) -> Answer<GetLogDeliveryConfigurationResponse> {
        self.store
            .read(move |tx| {
                StoredPool::find(tx, &request.user_pool_id)?;
                let log_delivery_configuration = Some(configuration(tx, &request.user_pool_id)?);
                Ok(GetLogDeliveryConfigurationResponse { log_delivery_configuration })
            })
            .await
    }

    /// Sets all of it anew: what is not named is exported no more.
    pub async fn set_log_delivery_configuration(
        &self,
        _: &Caller,
        request: SetLogDeliveryConfigurationRequest,
    ) -> Answer<SetLogDeliveryConfigurationResponse> {
        let (begins, has_groups) = (self.place.log_group_arns(), self.rules.log_groups.is_some());
        self.store
            .write(move |tx| {
                let pool = StoredPool::find_to_change(tx, &request.user_pool_id)?;
                let wanted = accepted(&request.log_configurations, pool.config.user_pool_tier, &begins)?;
                if !has_groups && !wanted.is_empty() {
                    return Err(invalid(
                        "This server keeps no log groups: log_groups is not set in its configuration.",
                    ));
                }
                tx.set_log_deliveries(&request.user_pool_id, &wanted)?;
                let log_delivery_configuration = Some(configuration(tx, &request.user_pool_id)?);
                Ok(SetLogDeliveryConfigurationResponse { log_delivery_configuration })
            })
            .await
    }
}

fn configuration(tx: &mut Tx<'_>, pool_id: &str) -> Answer<LogDeliveryConfigurationType> {
    let log_configurations = shown(tx.log_deliveries(pool_id)?);
    Ok(LogDeliveryConfigurationType { user_pool_id: pool_id.to_owned(), log_configurations })
}
