//! A field of a form: what it asks, how, and by which name the API knows the setting.

/// A field.
#[derive(Clone, Debug)]
pub struct Field {
    pub name: String,
    pub label: String,
    /// The API's name of the setting, shown beside the label; empty for none.
    pub api: String,
    pub hint: String,
    pub input: Input,
    pub error: Option<String>,
    /// Stands for what the field holds and does not say, such as when a secret was last changed.
    pub unseen: String,
}

/// How something is asked.
#[derive(Clone, Debug)]
pub enum Input {
    Line {
        value: String,
        kind: &'static str,
        autocomplete: &'static str,
    },
    Lines {
        value: String,
        rows: usize,
    },
    /// Never filled in, never given back.
    Secret,
    /// A file of these kinds.
    File {
        accept: &'static str,
    },
    Check {
        on: bool,
        words: String,
    },
    Checks(Vec<Choice>),
    Radios(Vec<Choice>),
    Select(Vec<Choice>),
}

/// One of several.
#[derive(Clone, Debug)]
pub struct Choice {
    pub value: String,
    pub label: String,
    pub help: String,
    pub on: bool,
}

impl Choice {
    pub fn new(value: impl Into<String>, label: impl Into<String>, on: bool) -> Choice {
        Choice { value: value.into(), label: label.into(), help: String::new(), on }
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Choice {
        self.help = help.into();
        self
    }
}

impl Field {
    pub fn new(name: &str, label: &str, input: Input) -> Field {
        Field {
            name: name.to_owned(),
            label: label.to_owned(),
            api: String::new(),
            hint: String::new(),
            input,
            error: None,
            unseen: String::new(),
        }
    }

    /// One line of text.
    pub fn line(name: &str, label: &str, value: impl Into<String>) -> Field {
        Field::new(name, label, Input::Line { value: value.into(), kind: "text", autocomplete: "off" })
    }

    /// One line of a narrower kind: `email`, `number`, `url`.
    pub fn line_of(kind: &'static str, name: &str, label: &str, value: impl Into<String>) -> Field {
        Field::new(name, label, Input::Line { value: value.into(), kind, autocomplete: "off" })
    }

    pub fn lines(name: &str, label: &str, rows: usize, value: impl Into<String>) -> Field {
        Field::new(name, label, Input::Lines { value: value.into(), rows })
    }

    pub fn check(name: &str, label: &str, words: &str, on: bool) -> Field {
        Field::new(name, label, Input::Check { on, words: words.to_owned() })
    }

    #[must_use]
    pub fn api(mut self, api: &str) -> Field {
        self.api = api.to_owned();
        self
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Field {
        self.hint = hint.into();
        self
    }

    #[must_use]
    pub fn unseen(mut self, mark: impl Into<String>) -> Field {
        self.unseen = mark.into();
        self
    }

    /// Tells whether several controls make up this field.
    pub fn is_group(&self) -> bool {
        matches!(self.input, Input::Checks(_) | Input::Radios(_) | Input::Check { .. })
    }

    /// The ids that describe the field to those who listen.
    pub fn described_by(&self) -> String {
        let mut ids = Vec::new();
        if self.error.is_some() {
            ids.push(format!("{}-error", self.name));
        }
        if !self.hint.is_empty() {
            ids.push(format!("{}-hint", self.name));
        }
        ids.join(" ")
    }

    /// Puts back what was typed.
    pub fn refill(&mut self, typed: &dyn Fn(&str) -> Vec<String>) {
        let given = typed(&self.name);
        let first = || given.first().cloned().unwrap_or_default();
        match &mut self.input {
            Input::Line { value, .. } | Input::Lines { value, .. } => *value = first(),
            Input::Secret | Input::File { .. } => {}
            Input::Check { on, .. } => *on = !given.is_empty(),
            Input::Checks(choices) | Input::Radios(choices) | Input::Select(choices) => {
                for choice in choices {
                    choice.on = given.contains(&choice.value);
                }
            }
        }
    }

    /// What the field says at present, in words.
    pub fn words(&self) -> Vec<String> {
        match &self.input {
            Input::Line { value, .. } if value.is_empty() => Vec::new(),
            Input::Line { value, .. } => vec![value.clone()],
            Input::Lines { value, .. } => value.lines().map(str::to_owned).collect(),
            Input::Secret | Input::File { .. } => Vec::new(),
            Input::Check { on, .. } => vec![if *on { "Yes" } else { "No" }.to_owned()],
            Input::Checks(choices) | Input::Radios(choices) | Input::Select(choices) => {
                choices.iter().filter(|choice| choice.on).map(|choice| choice.label.clone()).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_says_what_it_holds_and_takes_back_what_was_typed() {
        let choices = vec![Choice::new("A", "Apples", true), Choice::new("B", "Bread", false)];
        let mut field = Field::new("food", "Food", Input::Checks(choices)).hint("What you eat");
        assert_eq!(
            (field.words(), field.described_by()),
            (vec!["Apples".to_owned()], "food-hint".to_owned())
        );
        field.refill(&|_| vec!["B".to_owned()]);
        assert_eq!(field.words(), ["Bread"]);
        field.error = Some("No bread today".to_owned());
        assert_eq!(field.described_by(), "food-error food-hint");
        let mut check = Field::check("on", "Switch", "Switched on", true);
        check.refill(&|_| Vec::new());
        assert_eq!(check.words(), ["No"]);
    }
}
