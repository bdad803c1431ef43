//! What of a list is looked at: filters, order, columns, rows per page and the page. It stands in the address alone, so that
//! Back works and an address can be shared. Pure.

use postern_pools::oauth::pairs::{Pairs, query};

/// Rows per page that can be chosen; the second unless another is.
pub const SIZES: [usize; 3] = [25, 50, 100];

/// What a list can be asked for.
pub struct Known<'a> {
    /// What can be filtered by.
    pub by: Vec<&'a str>,
    /// Several filters may hold at a time.
    pub several: bool,
    /// Its columns, each by the name that it has in addresses.
    pub columns: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    here: String,
    /// By what, and which value.
    pub filters: Vec<(String, String)>,
    /// A column, and whether its greatest comes first.
    pub sort: Option<(String, bool)>,
    /// The columns that are shown; none for all.
    pub columns: Vec<String>,
    pub size: usize,
    /// The page of a list that is read as a whole.
    pub page: usize,
    /// Where the page of another list begins.
    pub after: String,
}

impl View {
    /// Reads an address at `here`; what this list does not know is passed over.
    pub fn read(here: &str, asked: &Pairs, known: &Known<'_>) -> View {
        let first = |name: &str| asked.first(name).unwrap_or_default().trim();
        let mut filters: Vec<(String, String)> = asked
            .every("f")
            .filter_map(|filter| {
                known.by.iter().find_map(|by| {
                    let value = filter.strip_prefix(by)?.strip_prefix(':')?;
                    Some(((*by).to_owned(), value.to_owned()))
                })
            })
            .collect();
        let by = known.by.iter().find(|by| **by == first("by")).or(known.by.first());
        if let Some(by) = by.filter(|_| !first("q").is_empty()) {
            filters.retain(|(each, _)| each != by);
            filters.push(((*by).to_owned(), first("q").to_owned()));
        }
        if !known.several {
            filters.drain(..filters.len().saturating_sub(1));
        }
        let is_column = |name: &str| known.columns.iter().any(|column| column == name);
        let sort = match first("sort").strip_prefix('-') {
            Some(column) => (column, true),
            None => (first("sort"), false),
        };
        View {
            here: here.to_owned(),
            filters,
            sort: is_column(sort.0).then(|| (sort.0.to_owned(), sort.1)),
            columns: asked.every("col").filter(|name| is_column(name)).map(str::to_owned).collect(),
            size: first("size").parse().ok().filter(|size| SIZES.contains(size)).unwrap_or(SIZES[1]),
            page: first("page").parse().ok().filter(|page| *page > 0).unwrap_or(1),
            after: first("after").to_owned(),
        }
    }

    /// What of it stands in an address.
    pub fn pairs(&self) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        let mut put = |name: &str, value: String| pairs.push((name.to_owned(), value));
        for (by, value) in &self.filters {
            put("f", format!("{by}:{value}"));
        }
        if let Some((column, is_down)) = &self.sort {
            put("sort", format!("{}{column}", if *is_down { "-" } else { "" }));
        }
        if self.size != SIZES[1] {
            put("size", self.size.to_string());
        }
        for column in &self.columns {
            put("col", column.clone());
        }
        if self.page > 1 {
            put("page", self.page.to_string());
        }
        if !self.after.is_empty() {
            put("after", self.after.clone());
        }
        pairs
    }

    pub fn address(&self) -> String {
        let pairs = self.pairs();
        let pairs: Vec<(&str, &str)> =
            pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        match pairs.is_empty() {
            true => self.here.clone(),
            false => format!("{}?{}", self.here, query(&pairs)),
        }
    }

    pub fn is_first_page(&self) -> bool {
        self.page == 1 && self.after.is_empty()
    }

    /// The same list, from its first page.
    pub fn first_page(&self) -> View {
        View { page: 1, after: String::new(), ..self.clone() }
    }

    pub fn beginning(&self, after: &str) -> View {
        View { after: after.to_owned(), ..self.clone() }
    }

    pub fn at_page(&self, page: usize) -> View {
        View { page, ..self.clone() }
    }

    /// The same page as it comes, neither searched nor sorted.
    pub fn unarranged(&self) -> View {
        View { filters: Vec::new(), sort: None, page: 1, ..self.clone() }
    }

    pub fn unfiltered(&self) -> View {
        View { filters: Vec::new(), ..self.first_page() }
    }

    /// Without one of the filters.
    pub fn without(&self, at: usize) -> View {
        let mut view = self.first_page();
        view.filters.remove(at);
        view
    }

    /// With a filter, in place of all others or of those by the same.
    pub fn with(&self, by: &str, value: &str, several: bool) -> View {
        let mut view = self.first_page();
        view.filters.retain(|(each, _)| several && each != by);
        view.filters.push((by.to_owned(), value.to_owned()));
        view
    }

    pub fn sized(&self, size: usize) -> View {
        View { size, ..self.first_page() }
    }

    /// In the order of a column: upwards, and where it is so already, downwards.
    pub fn sorted(&self, column: &str) -> View {
        let is_down = self.sort.as_ref() == Some(&(column.to_owned(), false));
        View { sort: Some((column.to_owned(), is_down)), ..self.first_page() }
    }
}

/// The name of a column in addresses: its title in small letters.
pub fn column(title: &str) -> String {
    title.to_lowercase().replace(' ', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, several: bool) -> View {
        let columns = ["Name", "User pool ID"].map(column).into();
        let known = Known { by: vec!["email", "cognito:user_status"], several, columns };
        View::read("/list", &Pairs::parse(text).expect("pairs"), &known)
    }

    #[test]
    fn an_address_that_is_read_is_written_the_same() {
        for address in [
            "",
            "f=email%3Aa%3Ab&f=cognito%3Auser_status%3ACONFIRMED",
            "sort=-user-pool-id&size=25&col=name&page=3",
            "size=100&after=token",
        ] {
            let (view, joint) = (read(address, true), if address.is_empty() { "" } else { "?" });
            assert_eq!(view.address(), format!("/list{joint}{address}"));
        }
        assert_eq!(read("f=email%3Aa%3Ab", true).filters, [("email".to_owned(), "a:b".to_owned())]);
    }

    #[test]
    fn what_is_not_known_is_passed_over() {
        let view = read("f=shoe%3A42&sort=shoe&size=1000000&col=shoe&page=0&by=shoe&q=x", true);
        assert_eq!(view.address(), "/list?f=email%3Ax");
    }

    #[test]
    fn what_is_searched_for_is_added_to_the_filters_or_takes_their_place() {
        let address = "f=cognito%3Auser_status%3ACONFIRMED&by=email&q=al";
        assert_eq!(read(address, true).filters.len(), 2);
        assert_eq!(read(address, false).filters, [("email".to_owned(), "al".to_owned())]);
        let again = read("f=email%3Aal&by=email&q=bo", true);
        assert_eq!(again.filters, [("email".to_owned(), "bo".to_owned())]);
        assert_eq!(again.with("cognito:user_status", "X", true).filters.len(), 2);
        assert_eq!(again.with("cognito:user_status", "X", false).filters.len(), 1);
        assert_eq!(again.without(0).address(), "/list");
    }

    #[test]
    fn another_order_filter_or_size_begins_at_the_first_page() {
        let view = read("sort=name&page=4", true);
        assert_eq!(view.sorted("name").address(), "/list?sort=-name");
        assert_eq!(view.sorted("name").sorted("name").address(), "/list?sort=name");
        assert_eq!(view.sized(25).address(), "/list?sort=name&size=25");
        assert_eq!(view.with("email", "a", true).address(), "/list?f=email%3Aa&sort=name");
        assert_eq!(read("after=t", true).unfiltered().address(), "/list");
    }
}
