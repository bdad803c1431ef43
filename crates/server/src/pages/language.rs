//! The languages that the pages speak, and which of them somebody means.

use super::words::{self, Words};

/// A language the pages speak: those of Cognito's managed login.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    #[default]
    English,
    German,
    Spanish,
    French,
    Indonesian,
    Italian,
    Japanese,
    Korean,
    Portuguese,
    ChineseSimplified,
    ChineseTraditional,
}

impl Language {
    pub const ALL: [Language; 11] = [
        Language::German,
        Language::English,
        Language::Spanish,
        Language::French,
        Language::Indonesian,
        Language::Italian,
        Language::Japanese,
        Language::Korean,
        Language::Portuguese,
        Language::ChineseSimplified,
        Language::ChineseTraditional,
    ];

    /// Shows its catalogue.
    pub fn words(self) -> &'static Words {
        match self {
            Language::English => &words::ENGLISH,
            Language::German => &words::german::GERMAN,
            Language::Spanish => &words::spanish::SPANISH,
            Language::French => &words::french::FRENCH,
            Language::Indonesian => &words::indonesian::INDONESIAN,
            Language::Italian => &words::italian::ITALIAN,
            Language::Japanese => &words::japanese::JAPANESE,
            Language::Korean => &words::korean::KOREAN,
            Language::Portuguese => &words::portuguese::PORTUGUESE,
            Language::ChineseSimplified => &words::chinese_simplified::CHINESE_SIMPLIFIED,
            Language::ChineseTraditional => &words::chinese_traditional::CHINESE_TRADITIONAL,
        }
    }

    /// Its tag (BCP 47).
    pub fn tag(self) -> &'static str {
        self.words().lang
    }

    /// What Cognito calls it where an app names addresses by language.
    pub fn cognito_name(self) -> &'static str {
        match self {
            Language::English => "cognito:english",
            Language::German => "cognito:german",
            Language::Spanish => "cognito:spanish",
            Language::French => "cognito:french",
            Language::Indonesian => "cognito:bahasa-indonesia",
            Language::Italian => "cognito:italian",
            Language::Japanese => "cognito:japanese",
            Language::Korean => "cognito:korean",
            Language::Portuguese => "cognito:portuguese-brazil",
            Language::ChineseSimplified => "cognito:chinese-simplified",
            Language::ChineseTraditional => "cognito:chinese-traditional",
        }
    }

    /// Finds the language of a tag; a region or script that has no catalogue of its own does not matter.
    pub fn parse(tag: &str) -> Option<Language> {
        let tag = tag.trim().to_ascii_lowercase();
        let mut parts = tag.split('-');
        let (language, rest) = (parts.next()?, parts.collect::<Vec<_>>());
        match language {
            "zh" if rest.iter().any(|part| ["hant", "tw", "hk", "mo"].contains(part)) => {
                Some(Language::ChineseTraditional)
            }
            "zh" => Some(Language::ChineseSimplified),
            // The tag that Indonesian once had.
            "in" => Some(Language::Indonesian),
            _ => Language::ALL.into_iter().find(|known| known.tag().split('-').next() == Some(language)),
        }
    }

    /// The first of some tags, separated by spaces, that has a catalogue (`ui_locales`).
    pub fn first(tags: &str) -> Option<Language> {
        tags.split_whitespace().find_map(Language::parse)
    }

    /// The language that a browser likes best (RFC 9110 §12.5.4).
    pub fn accepted(header: &str) -> Option<Language> {
        let mut wanted: Vec<(Language, u32)> = header
            .split(',')
            .take(32)
            .filter_map(|one| {
                let (tag, weight) = one.split_once(';').unwrap_or((one, "q=1"));
                let weight: f32 = weight.trim().strip_prefix("q=")?.parse().ok()?;
                let weight = (weight.clamp(0.0, 1.0) * 1000.0) as u32;
                (weight > 0).then_some((Language::parse(tag)?, weight))
            })
            .collect();
        wanted.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
        wanted.first().map(|(language, _)| *language)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_leads_to_the_nearest_catalogue() {
        for (tag, language) in [
            ("de", Some(Language::German)),
            ("de-AT", Some(Language::German)),
            ("EN-us", Some(Language::English)),
            ("pt", Some(Language::Portuguese)),
            ("pt-PT", Some(Language::Portuguese)),
            ("zh", Some(Language::ChineseSimplified)),
            ("zh-CN", Some(Language::ChineseSimplified)),
            ("zh-Hant-HK", Some(Language::ChineseTraditional)),
            ("zh-TW", Some(Language::ChineseTraditional)),
            ("in", Some(Language::Indonesian)),
            ("xx", None),
            ("", None),
        ] {
            assert_eq!(Language::parse(tag), language, "{tag}");
        }
        assert_eq!(Language::first("xx ja de"), Some(Language::Japanese));
        assert_eq!(Language::accepted("nl, fr;q=0.5, it;q=0.8"), Some(Language::Italian));
        assert_eq!(Language::accepted("es;q=0, *"), None);
        assert_eq!(Language::accepted("q=;;,,"), None);
    }

    #[test]
    fn mails_speak_every_language_of_the_pages() {
        for language in Language::ALL {
            assert_eq!(postern_pools::messages::Catalogue::of(language.tag()).lang, language.tag());
        }
    }

    /// What each catalogue says, as it is written.
    const CATALOGUES: [&str; 10] = [
        include_str!("words/chinese_simplified.rs"),
        include_str!("words/chinese_traditional.rs"),
        include_str!("words/french.rs"),
        include_str!("words/german.rs"),
        include_str!("words/indonesian.rs"),
        include_str!("words/italian.rs"),
        include_str!("words/japanese.rs"),
        include_str!("words/korean.rs"),
        include_str!("words/portuguese.rs"),
        include_str!("words/spanish.rs"),
    ];

    /// The text of each member of a catalogue, by its name.
    fn members(source: &str) -> std::collections::BTreeMap<&str, String> {
        let (_, body) = source.split_once(": Words = Words {\n").expect("a catalogue");
        let mut found = std::collections::BTreeMap::new();
        let mut name = "";
        for line in body.lines().take_while(|line| *line != "};") {
            let member =
                line.strip_prefix("    ").filter(|rest| !rest.starts_with([' ', '}', ']', ')', '.']));
            if let Some((member, _)) = member.and_then(|rest| rest.split_once(':')) {
                name = member;
            }
            found.entry(name).or_insert_with(String::new).push_str(line);
        }
        found
    }

    #[test]
    fn every_catalogue_says_everything() {
        let english = members(include_str!("words.rs"));
        assert!(english.len() > 100);
        // The holes of a text, each as often as it stands there.
        let holes = |text: &str| {
            let is_name = |hole: &&str| hole.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            let found = text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0));
            let mut holes: Vec<String> = found.filter(is_name).map(str::to_owned).collect();
            holes.sort();
            holes.dedup();
            holes
        };
        for source in CATALOGUES {
            let (own, title) = (members(source), source.lines().next().unwrap_or_default());
            let missing: Vec<_> = english.keys().filter(|name| !own.contains_key(*name)).collect();
            assert!(missing.is_empty(), "{title} lacks {missing:?}");
            for (name, text) in &english {
                assert_eq!(holes(&own[name]), holes(text), "{title} {name}");
                assert_eq!(
                    own[name].matches("field(").count(),
                    text.matches("field(").count(),
                    "{title} {name}"
                );
            }
        }
    }
}
