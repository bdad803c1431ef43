//! Lists of the console, all of one design: what is listed by which operation, and how it can be looked at. A list that is
//! small is read as a whole, and searched and sorted here; another is read page by page in the order in which the operation
//! gives it, and searched by what the operation searches by.

use super::desk::{Desk, Stopped, found, items};
use super::pools::{counted, of};
use super::view::{Known, SIZES, View, column};
use crate::pages::console::field::Choice;
use crate::pages::console::list::{Cell, Empty, Head, Search, Table, Tools};
use crate::pages::console::parts::{Button, Buttons};
use crate::pages::console::{Block as _, Html};
use postern_model::{Document, Error, Refusal, Service};
use std::cmp::Ordering;

/// Rows up to which a list is read as a whole.
const WHOLE_MAX: usize = 300;
/// Calls at most for one page: an operation may give less than it was asked for.
const CALLS_MAX: usize = 8;
/// By what a list is filtered that is read as a whole.
const WORDS: (&str, &str) = ("words", "With the words");

/// What is listed.
pub struct List {
    /// The page that it stands on.
    pub here: String,
    pub caption: &'static str,
    /// What each is called, and what many are.
    pub called: (&'static str, &'static str),
    pub columns: &'static [&'static str],
    pub source: Source,
    pub finds: Finds,
    /// The way to another one of it.
    pub make: Option<(String, &'static str)>,
    /// What it is for, said while there is none.
    pub empty: &'static str,
    pub command: String,
    /// How many there are, where that is known without counting.
    pub all: Option<i64>,
    /// How often the newest page is looked at again, in seconds.
    pub live_s: Option<u32>,
}

/// Where its items come from.
pub struct Source {
    pub service: Service,
    pub operation: &'static str,
    pub input: Document,
    /// The member of the answer that holds them.
    pub items: &'static str,
    /// The parameter for how many, and how many that are at most.
    pub limit: (&'static str, usize),
    /// The parameter and the member for where a page begins.
    pub token: &'static str,
}

impl Source {
    /// An operation of the user pools, which give 60 at most.
    pub fn pools(operation: &'static str, items: &'static str, input: Document) -> Source {
        let service = Service::CognitoIdp;
        Source { service, operation, input, items, limit: ("MaxResults", 60), token: "NextToken" }
    }
}

/// How it is searched.
pub enum Finds {
    /// As a whole, by words of its cells.
    Whole,
    By(By),
    /// Not at all.
    Nothing,
}

/// Filters of an operation.
pub struct By {
    /// What can be typed: the filter, and how people call it.
    pub typed: &'static [(&'static str, &'static str)],
    /// What the search says above what is typed.
    pub label: &'static str,
    /// What can be chosen: the filter, its value, and what it finds.
    pub offers: &'static [(&'static str, &'static str, &'static str)],
    /// Several may hold at a time.
    pub several: bool,
    /// Puts a filter into what is asked.
    pub ask: fn(&mut Document, &str, &str),
}

/// A list as it is shown.
pub struct Listed {
    table: Table,
    make: Option<(String, &'static str)>,
}

impl Listed {
    /// Its blocks, with the way to another one and further buttons above it.
    pub fn blocks(self, desk: &Desk, more: Vec<Button>) -> Vec<Html> {
        let make = self.make.filter(|_| self.table.tools.is_some());
        let mut buttons: Vec<Button> =
            make.map(|(href, label)| Button::link(href, label).main()).into_iter().collect();
        buttons.extend(more);
        let mut blocks = Vec::new();
        if !buttons.is_empty() {
            blocks.push(Buttons { csrf: desk.csrf(), buttons }.html());
        }
        blocks.push(self.table.html());
        blocks
    }
}

/// What was read of a list.
struct Read {
    rows: Vec<Vec<Cell>>,
    /// The pages before and after.
    first: Option<View>,
    next: Option<View>,
    count: String,
    /// It can be put in another order.
    can_sort: bool,
    hint: String,
}

impl Desk {
    /// Shows a list that its page cannot do without.
    pub async fn list(&self, list: List, row: impl Fn(&Document) -> Vec<Cell>) -> Result<Listed, Stopped> {
        self.look_list(list, row).await?.map_err(|refusal| self.stopped(Error::Refused(refusal)))
    }

    /// Shows a list, or says why it cannot be seen.
    pub async fn look_list(
        &self,
        list: List,
        row: impl Fn(&Document) -> Vec<Cell>,
    ) -> Result<Result<Listed, Refusal>, Stopped> {
        let view = View::read(&list.here, &self.visit.query, &list.known());
        let read = match &list.finds {
            Finds::Whole => self.whole(&list, &view, &row).await?,
            _ => self.page(&list, &view, &row).await?,
        };
        let read = match read {
            Ok(read) => read,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let live = list.live_s.filter(|_| view.is_first_page()).map(|every_s| {
            let mut live = self.live(every_s);
            live.href = view.address();
            live
        });
        let mut table = list.table(&view, read);
        table.live = live;
        Ok(Ok(Listed { table, make: list.make }))
    }

    /// Reads so many items, from where a page begins; also where the next one would.
    async fn gather(
        &self,
        source: &Source,
        filters: impl Fn(&mut Document),
        after: &str,
        wanted: usize,
    ) -> Result<Result<(Vec<Document>, Option<String>), Refusal>, Stopped> {
        let (mut gathered, mut next) = (Vec::new(), Some(after.to_owned()).filter(|after| !after.is_empty()));
        for _ in 0..CALLS_MAX {
            let mut input = source.input.clone();
            filters(&mut input);
            input[source.limit.0] = (wanted - gathered.len()).min(source.limit.1).into();
            if let Some(token) = &next {
                input[source.token] = token.as_str().into();
            }
            let answer = match self.call(found(source.service, source.operation), &input).await {
                Ok(answer) => answer,
                Err(Error::Refused(refusal)) => return Ok(Err(refusal)),
                Err(failed) => return Err(self.stopped(failed)),
            };
            gathered.extend_from_slice(items(&answer, source.items));
            next = answer[source.token].as_str().map(str::to_owned);
            if next.is_none() || gathered.len() >= wanted {
                break;
            }
        }
        Ok(Ok((gathered, next)))
    }

    /// A page of a list that is read in the order in which it comes.
    async fn page(
        &self,
        list: &List,
        view: &View,
        row: &impl Fn(&Document) -> Vec<Cell>,
    ) -> Result<Result<Read, Refusal>, Stopped> {
        let filters = |input: &mut Document| {
            if let Finds::By(finds) = &list.finds {
                view.filters.iter().for_each(|(by, value)| (finds.ask)(input, by, value));
            }
        };
        let gathered = self.gather(&list.source, filters, &view.after, view.size).await?;
        Ok(gathered.map(|(gathered, next)| {
            let is_all = view.is_first_page() && next.is_none();
            let many = gathered.len() as i64;
            let count = match list.all.filter(|_| view.filters.is_empty()) {
                Some(all) => format!("{} in this pool", list.counted(all)),
                None if is_all => list.counted(many),
                None if view.is_first_page() => format!("At least {}", list.counted(many)),
                None => format!("{} on this page", list.counted(many)),
            };
            Read {
                rows: gathered.iter().map(row).collect(),
                first: (!view.is_first_page()).then(|| view.first_page()),
                next: next.map(|next| view.beginning(&next)),
                count,
                can_sort: false,
                hint: String::new(),
            }
        }))
    }

    /// A page of a list that is read as a whole, as long as it is small.
    async fn whole(
        &self,
        list: &List,
        view: &View,
        row: &impl Fn(&Document) -> Vec<Cell>,
    ) -> Result<Result<Read, Refusal>, Stopped> {
        // What begins after a token is a page of a list that is too long.
        if view.after.is_empty() {
            match self.gather(&list.source, |_| {}, "", WHOLE_MAX).await? {
                Ok((all, None)) => return Ok(Ok(list.arranged(view, all.iter().map(row).collect()))),
                Ok(_) => {}
                Err(refusal) => return Ok(Err(refusal)),
            }
        }
        let mut read = self.page(list, &view.unarranged(), row).await?;
        if let Ok(read) = &mut read {
            let most = list.counted(WHOLE_MAX as i64);
            read.hint = format!(
                "There are more than {most}: they are shown in the order in which they come, without search."
            );
        }
        Ok(read)
    }
}

impl List {
    fn known(&self) -> Known<'static> {
        let (by, several) = match &self.finds {
            Finds::Whole => (vec![WORDS.0], false),
            Finds::By(finds) => {
                let typed = finds.typed.iter().map(|(by, _)| *by);
                (typed.chain(finds.offers.iter().map(|(by, ..)| *by)).collect(), finds.several)
            }
            Finds::Nothing => (Vec::new(), false),
        };
        Known { by, several, columns: self.columns.iter().map(|title| column(title)).collect() }
    }

    fn counted(&self, number: i64) -> String {
        format!("{} {}", counted(number), of(number, self.called.0, self.called.1))
    }

    /// What a view shows of the whole list.
    fn arranged(&self, view: &View, mut rows: Vec<Vec<Cell>>) -> Read {
        let all = self.counted(rows.len() as i64);
        for (_, words) in &view.filters {
            rows.retain(|row| words.split_whitespace().all(|word| row.iter().any(|cell| cell.has(word))));
        }
        if let Some((name, is_down)) = &view.sort
            && let Some(at) = self.columns.iter().position(|title| column(title) == *name)
        {
            rows.sort_by(|one, other| {
                let order = match (one.get(at), other.get(at)) {
                    (Some(one), Some(other)) => one.rank().cmp(&other.rank()),
                    _ => Ordering::Equal,
                };
                if *is_down { order.reverse() } else { order }
            });
        }
        let many = rows.len();
        let page = view.page.min(many.div_ceil(view.size).max(1));
        let begin = (page - 1) * view.size;
        let shown: Vec<_> = rows.into_iter().skip(begin).take(view.size).collect();
        let end = begin + shown.len();
        let mut count = match view.filters.is_empty() {
            true => all,
            false => format!("{} of {all}", counted(many as i64)),
        };
        if many > view.size {
            count = format!("{}–{} of {count}", begin + 1, end);
        }
        Read {
            rows: shown,
            first: (page > 1).then(|| view.first_page()),
            next: (end < many).then(|| view.at_page(page + 1)),
            count,
            can_sort: true,
            hint: String::new(),
        }
    }

    /// A filter in words.
    fn words(&self, by: &str, value: &str) -> String {
        let label = match &self.finds {
            Finds::By(finds) => {
                if let Some((.., label)) = finds.offers.iter().find(|offer| (offer.0, offer.1) == (by, value))
                {
                    return (*label).to_owned();
                }
                finds.typed.iter().find(|(each, _)| *each == by).map_or(by, |(_, label)| label)
            }
            _ => WORDS.1,
        };
        format!("{label}: {value}")
    }

    fn table(&self, view: &View, read: Read) -> Table {
        let is_unused =
            read.rows.is_empty() && view.filters.is_empty() && view.is_first_page() && read.next.is_none();
        let is_shown = |at: usize, name: &str| {
            at == 0 || view.columns.is_empty() || view.columns.iter().any(|chosen| chosen == name)
        };
        let columns: Vec<(&'static str, String, bool)> = self
            .columns
            .iter()
            .enumerate()
            .map(|(at, title)| (*title, column(title), is_shown(at, &column(title))))
            .collect();
        let head = columns.iter().filter(|(.., shown)| *shown).map(|(title, name, _)| {
            let order = view.sort.as_ref().filter(|(sorted, _)| read.can_sort && sorted == name);
            Head {
                title,
                order: order.map(|(_, is_down)| if *is_down { "descending" } else { "ascending" }),
                sort_href: read.can_sort.then(|| view.sorted(name).address()),
            }
        });
        let mut table = Table::new(self.caption, Vec::new(), Vec::new());
        table.head = head.collect();
        table.rows = read
            .rows
            .into_iter()
            .map(|row| {
                row.into_iter()
                    .zip(&columns)
                    .filter(|(_, (.., shown))| *shown)
                    .map(|(cell, _)| cell)
                    .collect()
            })
            .collect();
        table.hint = read.hint;
        table.first_href = read.first.map(|view| view.address());
        table.next_href = read.next.map(|view| view.address());
        table.empty = Empty {
            words: self.empty.to_owned(),
            button: self.make.as_ref().map(|(href, label)| (href.clone(), (*label).to_owned())),
            command: self.command.clone(),
        };
        if !is_unused {
            table.count = read.count;
            table.tools = Some(self.tools(view, &columns, read.can_sort));
        }
        table
    }

    fn tools(&self, view: &View, columns: &[(&'static str, String, bool)], can_sort: bool) -> Tools {
        let begun = view.first_page();
        let sent_along = |names: &[&str]| -> Vec<(String, String)> {
            begun.pairs().into_iter().filter(|(name, _)| !names.contains(&name.as_str())).collect()
        };
        let typed: &[(&str, &str)] = match &self.finds {
            Finds::Whole if can_sort => &[WORDS],
            Finds::By(finds) => finds.typed,
            _ => &[],
        };
        let (label, offers, several) = match &self.finds {
            Finds::By(finds) => (finds.label, finds.offers, finds.several),
            _ => ("Find by words", &[][..], false),
        };
        let chosen = view.filters.last().map(|(by, _)| by.as_str()).unwrap_or_default();
        let search = (!typed.is_empty()).then(|| Search {
            action: self.here.clone(),
            label: label.to_owned(),
            by: typed.iter().map(|(by, label)| Choice::new(*by, *label, *by == chosen)).collect(),
            along: if several { sent_along(&[]) } else { sent_along(&["f"]) },
        });
        let filters: Vec<String> = view.filters.iter().map(|(by, value)| self.words(by, value)).collect();
        let offers = offers.iter().filter(|(by, value, _)| {
            !view.filters.iter().any(|(each, held)| (each.as_str(), held.as_str()) == (*by, *value))
        });
        Tools {
            none: format!("No {} match “{}”.", self.called.1, filters.join("” and “")),
            chips: filters.into_iter().zip((0..).map(|at| view.without(at).address())).collect(),
            search,
            offers: offers
                .map(|(by, value, label)| (*label, view.with(by, value, several).address()))
                .collect(),
            clear_href: view.unfiltered().address(),
            refresh_href: view.address(),
            sizes: SIZES.map(|size| (size, view.sized(size).address(), size == view.size)).into(),
            columns: columns
                .iter()
                .skip(1)
                .map(|(title, name, on)| Choice::new(name.as_str(), *title, *on))
                .collect(),
            first_column: columns.first().map(|(_, name, _)| name.clone()).unwrap_or_default(),
            along: sent_along(&["col"]),
            action: self.here.clone(),
        }
    }
}
