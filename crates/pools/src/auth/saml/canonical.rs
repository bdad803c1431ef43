//! Exclusive XML Canonicalization 1.0, without comments: the bytes of an element that a signature is over.

use roxmltree::{Attribute, Node};
use std::collections::BTreeMap;

const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// What an element is canonicalised with.
#[derive(Default)]
pub struct Way<'a> {
    /// Prefixes that are treated as inclusive canonicalization treats all (`InclusiveNamespaces`).
    pub inclusive: Vec<&'a str>,
}

/// Writes an element as it is signed, but for `left_out`, where it stands inside.
pub fn canonical(node: Node<'_, '_>, way: &Way<'_>, left_out: Option<Node<'_, '_>>) -> String {
    let mut out = String::new();
    element(&mut out, node, way, left_out, &BTreeMap::new());
    out
}

fn element(
    out: &mut String,
    node: Node<'_, '_>,
    way: &Way<'_>,
    left_out: Option<Node<'_, '_>>,
    written: &BTreeMap<String, String>,
) {
    let source = node.document().input_text();
    let start = node.range().start + 1;
    let name = &source[start..];
    let name = &name[..name.find([' ', '\t', '\r', '\n', '/', '>']).unwrap_or(name.len())];
    let attributes: Vec<Attribute<'_, '_>> = node.attributes().collect();
    let qualified = |attribute: &Attribute<'_, '_>| &source[attribute.range_qname()];

    let mut used: Vec<&str> = vec![prefix(name)];
    used.extend(attributes.iter().map(|attribute| prefix(qualified(attribute))).filter(|p| !p.is_empty()));
    let in_scope = |prefix: &str| {
        let named = Some(prefix).filter(|prefix| !prefix.is_empty());
        node.lookup_namespace_uri(named).unwrap_or_default().to_owned()
    };
    for prefix in &way.inclusive {
        let prefix = if *prefix == "#default" { "" } else { prefix };
        if !in_scope(prefix).is_empty() {
            used.push(prefix);
        }
    }
    used.sort_unstable();
    used.dedup();

    let mut written = written.clone();
    out.push('<');
    out.push_str(name);
    for prefix in used.into_iter().filter(|prefix| *prefix != "xml") {
        let uri = in_scope(prefix);
        let before = written.get(prefix).map(String::as_str);
        if before == Some(uri.as_str()) || (before.is_none() && uri.is_empty()) {
            continue;
        }
        let colon = if prefix.is_empty() { "" } else { ":" };
        out.push_str(&format!(" xmlns{colon}{prefix}=\"{}\"", attribute_text(&uri)));
        written.insert(prefix.to_owned(), uri);
    }
    let mut sorted: Vec<&Attribute<'_, '_>> = attributes.iter().collect();
    sorted.sort_by_key(|attribute| (attribute.namespace().unwrap_or_default(), attribute.name()));
    for attribute in sorted {
        let name = match attribute.namespace() {
            Some(XML) => format!("xml:{}", attribute.name()),
            _ => qualified(attribute).to_owned(),
        };
        out.push_str(&format!(" {name}=\"{}\"", attribute_text(attribute.value())));
    }
    out.push('>');
    for child in node.children() {
        if child.is_text() {
            content(out, child.text().unwrap_or_default());
        } else if child.is_element() && Some(child) != left_out {
            element(out, child, way, left_out, &written);
        }
    }
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

fn prefix(name: &str) -> &str {
    name.split_once(':').map_or("", |(prefix, _)| prefix)
}

fn content(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#xD;"),
            c => out.push(c),
        }
    }
}

/// A text as the value of an attribute.
pub fn attribute_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '"' => out.push_str("&quot;"),
            '\t' => out.push_str("&#x9;"),
            '\n' => out.push_str("&#xA;"),
            '\r' => out.push_str("&#xD;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use roxmltree::Document;

    fn of(text: &str, name: &str, inclusive: &[&str]) -> String {
        let document = Document::parse(text).expect("XML");
        let node = document.descendants().find(|node| node.tag_name().name() == name).expect("an element");
        canonical(node, &Way { inclusive: inclusive.to_vec() }, None)
    }

    /// The example of Exclusive XML Canonicalization §2.2.
    #[test]
    fn only_what_is_used_is_declared_where_it_is_first_used() {
        let first = r#"<n0:local xmlns:n0="foo:bar" xmlns:n3="ftp://example.org"><n1:elem2 xmlns:n1="http://example.net" xml:lang="en"><n3:stuff xmlns:n3="ftp://example.org"/></n1:elem2></n0:local>"#;
        let second = r#"<n2:pdu xmlns:n1="http://example.com" xmlns:n2="http://foo.example" xml:lang="fr" xml:space="retain"><n1:elem2 xmlns:n1="http://example.net" xml:lang="en"><n3:stuff xmlns:n3="ftp://example.org"/></n1:elem2></n2:pdu>"#;
        let expected = r#"<n1:elem2 xmlns:n1="http://example.net" xml:lang="en"><n3:stuff xmlns:n3="ftp://example.org"></n3:stuff></n1:elem2>"#;
        assert_eq!(of(first, "elem2", &[]), expected);
        assert_eq!(of(second, "elem2", &[]), expected);
    }

    #[test]
    fn attributes_are_sorted_texts_are_escaped_and_comments_go() {
        let text = "<a z='1' y=\"&quot;&lt;&#9;\" b:x='2' xmlns:b='u:b' xmlns='u:a'><!-- no -->1 &gt; 0 &amp;<![CDATA[<x>]]>&#13;\r\n</a>";
        assert_eq!(
            of(text, "a", &[]),
            "<a xmlns=\"u:a\" xmlns:b=\"u:b\" y=\"&quot;&lt;&#x9;\" z=\"1\" b:x=\"2\">1 &gt; 0 &amp;&lt;x&gt;&#xD;\n</a>"
        );
    }

    #[test]
    fn the_default_namespace_is_taken_back_where_it_ends() {
        let text = "<a xmlns='u:a'><b xmlns=''><c xmlns='u:a'/></b></a>";
        assert_eq!(of(text, "a", &[]), "<a xmlns=\"u:a\"><b xmlns=\"\"><c xmlns=\"u:a\"></c></b></a>");
        assert_eq!(of(text, "b", &[]), "<b><c xmlns=\"u:a\"></c></b>");
    }

    #[test]
    fn prefixes_that_are_listed_are_declared_though_unused() {
        let text = "<a xmlns:xs='u:xs' xmlns:no='u:no'><b><c/></b></a>";
        assert_eq!(of(text, "b", &["xs"]), "<b xmlns:xs=\"u:xs\"><c></c></b>");
        assert_eq!(of(text, "b", &[]), "<b><c></c></b>");
    }
}
