//! Which operations are written, and who does them.

use crate::app::App;
use postern_access::{Access, Caller, Operations, Running};
use postern_mail::Mail;
use postern_model::{Document, Service, ServiceModel};
use postern_pools::Pools;
use std::sync::LazyLock;

struct Tables {
    pools: Operations<Pools>,
    mail: Operations<Mail>,
    iam: Operations<Access>,
    sts: Operations<Access>,
    own: Operations<Access>,
    own_mail: Operations<Mail>,
    own_pools: Operations<Pools>,
    sns: Operations<Mail>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| Tables {
    pools: postern_pools::operations::operations(),
    mail: postern_mail::operations(),
    iam: postern_access::iam_operations(),
    sts: postern_access::sts_operations(),
    own: postern_access::own_operations(),
    own_mail: postern_mail::own_operations(),
    own_pools: postern_pools::operations::own::own_operations(),
    sns: postern_mail::sns_operations(),
});

/// Starts an operation, those of the user pools on `pools`; nothing when it is not written.
pub(super) fn start<'a>(
    app: &'a App,
    pools: &'a Pools,
    service: Service,
    operation: &str,
    caller: &'a Caller,
    input: &Document,
) -> Option<Running<'a>> {
    match service {
        Service::CognitoIdp => TABLES.pools.call(operation, pools, caller, input),
        Service::SesV2 => TABLES.mail.call(operation, &app.mail, caller, input),
        Service::Iam => TABLES.iam.call(operation, &app.access, caller, input),
        Service::Sts => TABLES.sts.call(operation, &app.access, caller, input),
        Service::Postern => {
            let audit = TABLES.own.call(operation, &app.access, caller, input);
            let mail = audit.or_else(|| TABLES.own_mail.call(operation, &app.mail, caller, input));
            mail.or_else(|| TABLES.own_pools.call(operation, pools, caller, input))
        }
        Service::Sns => TABLES.sns.call(operation, &app.mail, caller, input),
    }
}

fn written(service: Service) -> Vec<&'static str> {
    match service {
        Service::CognitoIdp => TABLES.pools.names().collect(),
        Service::SesV2 => TABLES.mail.names().collect(),
        Service::Iam => TABLES.iam.names().collect(),
        Service::Sts => TABLES.sts.names().collect(),
        Service::Postern => {
            TABLES.own.names().chain(TABLES.own_mail.names()).chain(TABLES.own_pools.names()).collect()
        }
        Service::Sns => TABLES.sns.names().collect(),
    }
}

pub fn is_written(service: Service, operation: &str) -> bool {
    written(service).contains(&operation)
}

/// The operations of the models that nobody does yet, as `service Operation`, in order.
pub fn unwritten() -> Vec<String> {
    let mut names = Vec::new();
    for service in Service::ALL {
        let written = written(service);
        let all = ServiceModel::of(service).operations().iter().map(|operation| operation.name.as_str());
        names.extend(all.filter(|name| !written.contains(name)).map(|name| format!("{service} {name}")));
    }
    names.sort();
    names
}
