//! The menu, in the words of the Cognito console, and where a page stands in it.

use crate::pages::console::{Group, Item, part};

/// Where a page stands.
#[derive(Clone, Copy, Debug)]
pub enum Place<'a> {
    Nowhere,
    /// A page outside of pools, by its path.
    Top(&'a str),
    /// A page below one outside of pools: the path and the name of what is above.
    Below(&'a str, &'a str),
    /// A page of a pool: its id and name, and the path of the menu's item within the pool.
    Pool {
        id: &'a str,
        name: &'a str,
        page: &'a str,
    },
    /// A page below one of a pool: as above, and the path and name of what is above it.
    InPool {
        id: &'a str,
        name: &'a str,
        page: &'a str,
        above: &'a str,
        above_name: &'a str,
    },
}

/// Pages outside of pools.
const TOP: [(&str, &str); 5] = [
    ("/console/pools", "User pools"),
    ("/console/email", "Email"),
    ("/console/roles", "Roles"),
    ("/console/activity", "Activity"),
    ("/console/metrics", "Metrics"),
];

/// Pages of a pool: group, and path and label of each.
type Pages = (&'static str, &'static [(&'static str, &'static str)]);

const POOL: [Pages; 7] = [
    ("", &[("", "Overview")]),
    ("Applications", &[("/clients", "App clients")]),
    ("User management", &[("/users", "Users"), ("/groups", "Groups")]),
    (
        "Authentication",
        &[
            ("/methods", "Authentication methods"),
            ("/sign-in", "Sign-in"),
            ("/sign-up", "Sign-up"),
            ("/providers", "Social and external providers"),
            ("/extensions", "Extensions"),
        ],
    ),
    ("Security", &[("/threats", "Threat protection"), ("/logs", "Log streaming")]),
    (
        "Branding",
        &[("/domain", "Domain"), ("/branding", "Managed login"), ("/messages", "Message templates")],
    ),
    ("Pool", &[("/settings", "Settings")]),
];

fn base(id: &str) -> String {
    format!("/console/pools/{}", part(id))
}

/// The menu of a page.
pub fn groups(place: &Place<'_>, has_inbox: bool) -> Vec<Group> {
    let (pool, current) = match place {
        Place::Nowhere => (None, ""),
        Place::Top(path) | Place::Below(path, _) => (None, *path),
        Place::Pool { id, page, .. } | Place::InPool { id, page, .. } => (Some(*id), *page),
    };
    let mut groups = Vec::new();
    if let Some(id) = pool {
        let base = base(id);
        for (title, pages) in POOL {
            let items = pages.iter().map(|(path, label)| Item {
                href: format!("{base}{path}"),
                label,
                is_current: *path == current,
            });
            groups.push(Group { title, items: items.collect() });
        }
    }
    let mut top: Vec<Item> = TOP
        .iter()
        .map(|(path, label)| Item {
            href: (*path).to_owned(),
            label,
            is_current: pool.is_none() && *path == current,
        })
        .collect();
    if has_inbox {
        top.push(Item { href: "/inbox".to_owned(), label: "Inbox", is_current: false });
    }
    groups.push(Group { title: if pool.is_some() { "Server" } else { "" }, items: top });
    groups
}

/// The pages above a page.
pub fn crumbs(place: &Place<'_>) -> Vec<(String, String)> {
    let pools = ("/console/pools".to_owned(), "User pools".to_owned());
    match place {
        Place::Nowhere | Place::Top(_) => Vec::new(),
        Place::Below(path, name) => vec![((*path).to_owned(), (*name).to_owned())],
        Place::Pool { page: "", .. } => vec![pools],
        Place::Pool { id, name, .. } => vec![pools, (base(id), (*name).to_owned())],
        Place::InPool { id, name, above, above_name, .. } => {
            vec![pools, (base(id), (*name).to_owned()), ((*above).to_owned(), (*above_name).to_owned())]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_knows_where_it_stands() {
        let place = Place::Pool { id: "us-east-1_A", name: "Shop", page: "/users" };
        let current: Vec<String> = groups(&place, true)
            .into_iter()
            .flat_map(|group| group.items)
            .filter(|item| item.is_current)
            .map(|item| item.href)
            .collect();
        assert_eq!(current, ["/console/pools/us-east-1_A/users"]);
        assert_eq!(crumbs(&place)[1], ("/console/pools/us-east-1_A".to_owned(), "Shop".to_owned()));
    }
}
