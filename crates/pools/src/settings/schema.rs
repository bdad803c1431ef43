//! A pool's schema: the standard attributes as every pool has them, and what a caller may change and add.

use super::invalid;
use postern_model::Answer;
use postern_model::cognito_idp::{
    AttributeDataType, NumberAttributeConstraintsType, SchemaAttributeType, StringAttributeConstraintsType,
};

/// Custom attributes in one pool (quota).
const CUSTOM_MAX: usize = 50;
/// Characters of a string attribute.
const LENGTH_MAX: i128 = 2048;

/// A standard attribute's own limits.
#[derive(Clone, Copy)]
enum Limits {
    Length(&'static str, &'static str),
    AtLeast(&'static str),
    None,
}

const TEXT: Limits = Limits::Length("0", "2048");

/// Names and limits of the standard attributes (`aws cognito-idp create-user-pool` reference).
const STANDARD: [(&str, AttributeDataType, Limits); 20] = [
    ("sub", AttributeDataType::String, Limits::Length("1", "2048")),
    ("name", AttributeDataType::String, TEXT),
    ("given_name", AttributeDataType::String, TEXT),
    ("family_name", AttributeDataType::String, TEXT),
    ("middle_name", AttributeDataType::String, TEXT),
    ("nickname", AttributeDataType::String, TEXT),
    ("preferred_username", AttributeDataType::String, TEXT),
    ("profile", AttributeDataType::String, TEXT),
    ("picture", AttributeDataType::String, TEXT),
    ("website", AttributeDataType::String, TEXT),
    ("email", AttributeDataType::String, TEXT),
    ("email_verified", AttributeDataType::Boolean, Limits::None),
    ("gender", AttributeDataType::String, TEXT),
    ("birthdate", AttributeDataType::String, Limits::Length("10", "10")),
    ("zoneinfo", AttributeDataType::String, TEXT),
    ("locale", AttributeDataType::String, TEXT),
    ("phone_number", AttributeDataType::String, TEXT),
    ("phone_number_verified", AttributeDataType::Boolean, Limits::None),
    ("address", AttributeDataType::String, TEXT),
    ("updated_at", AttributeDataType::Number, Limits::AtLeast("0")),
];

/// The schema of a pool for which none was asked.
pub fn standard() -> Vec<SchemaAttributeType> {
    STANDARD
        .iter()
        .map(|&(name, data_type, limits)| SchemaAttributeType {
            name: Some(name.to_owned()),
            attribute_data_type: Some(data_type),
            developer_only_attribute: Some(false),
            mutable: Some(name != "sub"),
            required: Some(name == "sub"),
            number_attribute_constraints: match limits {
                Limits::AtLeast(min) => {
                    Some(NumberAttributeConstraintsType { min_value: Some(min.to_owned()), max_value: None })
                }
                _ => None,
            },
            string_attribute_constraints: match limits {
                Limits::Length(min, max) => Some(StringAttributeConstraintsType {
                    min_length: Some(min.to_owned()),
                    max_length: Some(max.to_owned()),
                }),
                _ => None,
            },
        })
        .collect()
}

/// The schema of a new pool: standard attributes as the caller changes them, then the caller's own.
pub fn created(asked: Vec<SchemaAttributeType>) -> Answer<Vec<SchemaAttributeType>> {
    let mut schema = standard();
    for attribute in asked {
        let name = name_of(&attribute)?.to_owned();
        match schema.iter_mut().find(|known| known.name.as_ref() == Some(&name)) {
            Some(standard) if is_standard(&name) => change_standard(standard, &name, attribute)?,
            _ => add(&mut schema, &name, attribute)?,
        }
    }
    Ok(schema)
}

/// A schema with custom attributes added.
pub fn extended(
    mut schema: Vec<SchemaAttributeType>,
    asked: Vec<SchemaAttributeType>,
) -> Answer<Vec<SchemaAttributeType>> {
    for attribute in asked {
        let name = name_of(&attribute)?.to_owned();
        add(&mut schema, &name, attribute)?;
    }
    Ok(schema)
}

fn name_of(attribute: &SchemaAttributeType) -> Answer<&str> {
    attribute.name.as_deref().ok_or_else(|| invalid("An attribute of the schema needs a Name."))
}

fn is_standard(name: &str) -> bool {
    STANDARD.iter().any(|(standard, ..)| *standard == name)
}

fn change_standard(standard: &mut SchemaAttributeType, name: &str, asked: SchemaAttributeType) -> Answer<()> {
    let retyped =
        asked.attribute_data_type.is_some() && asked.attribute_data_type != standard.attribute_data_type;
    if retyped || asked.developer_only_attribute == Some(true) {
        return Err(invalid(format!(
            "You can not change AttributeDataType or set developerOnlyAttribute for standard schema attribute \
             {name}"
        )));
    }
    if name == "sub" && (asked.mutable == Some(true) || asked.required == Some(false)) {
        return Err(invalid("The attribute sub is always required and never mutable."));
    }
    standard.mutable = asked.mutable.or(standard.mutable);
    standard.required = asked.required.or(standard.required);
    // Limits count only beside the type they are for, as on AWS.
    if asked.attribute_data_type.is_some() {
        check_limits(name, name, &asked)?;
        if asked.string_attribute_constraints.is_some() {
            standard.string_attribute_constraints = asked.string_attribute_constraints;
        }
        if asked.number_attribute_constraints.is_some() {
            standard.number_attribute_constraints = asked.number_attribute_constraints;
        }
    }
    Ok(())
}

fn add(schema: &mut Vec<SchemaAttributeType>, name: &str, mut asked: SchemaAttributeType) -> Answer<()> {
    let developer_only = asked.developer_only_attribute.unwrap_or(false);
    let shown = format!("custom:{name}");
    let stored = if developer_only { format!("dev:{shown}") } else { shown.clone() };
    let Some(data_type) = asked.attribute_data_type else {
        return Err(invalid(
            "Invalid AttributeDataType input, consider using the provided AttributeDataType enum.",
        ));
    };
    if asked.required == Some(true) {
        return Err(invalid("Required custom attributes are not supported currently."));
    }
    if schema.iter().any(|known| known.name.as_ref() == Some(&stored)) {
        return Err(invalid(format!("{shown}: Existing attribute already has name {stored}.")));
    }
    let customs = schema.iter().filter(|known| !known.name.as_deref().is_some_and(is_standard)).count();
    if customs == CUSTOM_MAX {
        return Err(invalid(format!("A user pool can have {CUSTOM_MAX} custom attributes.")));
    }
    check_limits(name, &shown, &asked)?;
    if data_type == AttributeDataType::String && asked.string_attribute_constraints.is_none() {
        asked.string_attribute_constraints = Some(StringAttributeConstraintsType::default());
    }
    if data_type == AttributeDataType::Number && asked.number_attribute_constraints.is_none() {
        asked.number_attribute_constraints = Some(NumberAttributeConstraintsType::default());
    }
    schema.push(SchemaAttributeType {
        name: Some(stored),
        developer_only_attribute: Some(developer_only),
        mutable: Some(asked.mutable.unwrap_or(true)),
        required: Some(false),
        ..asked
    });
    Ok(())
}

/// Checks limits; `shown` is the name as messages write it behind `user.`.
fn check_limits(name: &str, shown: &str, asked: &SchemaAttributeType) -> Answer<()> {
    let data_type = asked.attribute_data_type;
    if let Some(limits) = &asked.string_attribute_constraints {
        let faulty = || invalid(format!("Invalid StringAttributeConstraints for schema attribute {name}"));
        if data_type != Some(AttributeDataType::String) {
            return Err(faulty());
        }
        let limit = |text: &Option<String>| match text {
            Some(text) => text.parse().ok().filter(|limit| *limit >= 0).map(Some).ok_or_else(faulty),
            None => Ok(None),
        };
        let (min, max): (Option<i128>, Option<i128>) =
            (limit(&limits.min_length)?, limit(&limits.max_length)?);
        if [min, max].into_iter().flatten().any(|limit| limit > LENGTH_MAX) {
            return Err(invalid(format!(
                "user.{shown}: String attributes cannot have a length of more than {LENGTH_MAX}"
            )));
        }
        if matches!((min, max), (Some(min), Some(max)) if max < min) {
            return Err(invalid(format!("user.{shown}: Max length cannot be less than min length.")));
        }
    }
    if let Some(limits) = &asked.number_attribute_constraints {
        let faulty = || invalid(format!("Invalid NumberAttributeConstraints for schema attribute {name}"));
        if data_type != Some(AttributeDataType::Number) {
            return Err(faulty());
        }
        let limit = |text: &Option<String>| match text {
            Some(text) => text.parse().map(Some).map_err(|_| faulty()),
            None => Ok(None),
        };
        let (min, max): (Option<i128>, Option<i128>) = (limit(&limits.min_value)?, limit(&limits.max_value)?);
        if matches!((min, max), (Some(min), Some(max)) if max < min) {
            return Err(invalid(format!("user.{shown}: Max value cannot be less than min value.")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern_model::{Document, Shape};
    use serde_json::json;

    fn read(schema: Document) -> Vec<SchemaAttributeType> {
        Shape::read(&schema).expect("a schema")
    }

    fn refused(schema: Document) -> String {
        created(read(schema)).expect_err("a refusal").to_string().replace("InvalidParameterException: ", "")
    }

    fn last(schema: Document) -> Document {
        created(read(schema)).expect("a schema").last().expect("an attribute").write()
    }

    #[test]
    fn a_bare_pool_has_the_twenty_standard_attributes() {
        let schema = created(Vec::new()).expect("a schema");
        assert_eq!(schema.len(), 20);
        let shown = |name: &str| {
            schema.iter().find(|entry| entry.name.as_deref() == Some(name)).expect("an attribute").write()
        };
        let common = json!({
            "Name": "email", "AttributeDataType": "String", "DeveloperOnlyAttribute": false, "Mutable": true,
            "Required": false, "StringAttributeConstraints": {"MinLength": "0", "MaxLength": "2048"},
        });
        assert_eq!(shown("email"), common);
        assert_eq!(shown("sub")["Mutable"], json!(false));
        assert_eq!(shown("sub")["Required"], json!(true));
        assert_eq!(shown("sub")["StringAttributeConstraints"]["MinLength"], json!("1"));
        assert_eq!(
            shown("birthdate")["StringAttributeConstraints"],
            json!({"MinLength": "10", "MaxLength": "10"})
        );
        assert_eq!(shown("updated_at")["NumberAttributeConstraints"], json!({"MinValue": "0"}));
        assert_eq!(
            shown("email_verified"),
            json!({
                "Name": "email_verified", "AttributeDataType": "Boolean", "DeveloperOnlyAttribute": false,
                "Mutable": true, "Required": false,
            })
        );
    }

    #[test]
    fn a_standard_attribute_may_become_required_and_its_limits_need_its_type() {
        let limits = json!({"MinLength": "3", "MaxLength": "9"});
        let find = |schema: Document| {
            let schema = created(read(schema)).expect("a schema");
            schema.into_iter().find(|entry| entry.name.as_deref() == Some("email")).expect("email").write()
        };
        let untyped =
            find(json!([{"Name": "email", "Required": true, "StringAttributeConstraints": limits}]));
        assert_eq!(untyped["Required"], json!(true));
        assert_eq!(untyped["StringAttributeConstraints"]["MaxLength"], json!("2048"));
        let typed = find(
            json!([{"Name": "email", "AttributeDataType": "String", "StringAttributeConstraints": limits}]),
        );
        assert_eq!(typed["StringAttributeConstraints"], limits);
    }

    #[test]
    fn custom_attributes_are_prefixed_and_filled_in() {
        assert_eq!(
            last(json!([{"Name": "plan", "AttributeDataType": "String"}])),
            json!({
                "Name": "custom:plan", "AttributeDataType": "String", "DeveloperOnlyAttribute": false,
                "Mutable": true, "Required": false, "StringAttributeConstraints": {},
            })
        );
        let secret = last(json!([{
            "Name": "n", "AttributeDataType": "Number", "DeveloperOnlyAttribute": true, "Mutable": false,
            "NumberAttributeConstraints": {"MinValue": "-5"},
        }]));
        assert_eq!(secret["Name"], json!("dev:custom:n"));
        assert_eq!(secret["Mutable"], json!(false));
        assert_eq!(secret["NumberAttributeConstraints"], json!({"MinValue": "-5"}));
    }

    #[test]
    fn a_wrong_schema_is_refused_in_the_services_words() {
        let text = |limits: Document| json!([{"Name": "n", "AttributeDataType": "String", "StringAttributeConstraints": limits}]);
        let number = |limits: Document| json!([{"Name": "n", "AttributeDataType": "Number", "NumberAttributeConstraints": limits}]);
        let standard = "You can not change AttributeDataType or set developerOnlyAttribute for standard schema \
                        attribute email";
        for (schema, words) in [
            (json!([{"Name": "email", "AttributeDataType": "Number"}]), standard),
            (json!([{"Name": "email", "DeveloperOnlyAttribute": true}]), standard),
            (
                json!([{"Name": "n"}]),
                "Invalid AttributeDataType input, consider using the provided AttributeDataType enum.",
            ),
            (
                json!([{"Name": "n", "AttributeDataType": "String", "Required": true}]),
                "Required custom attributes are not supported currently.",
            ),
            (
                json!([
                    {"Name": "n", "AttributeDataType": "String"},
                    {"Name": "n", "AttributeDataType": "Number"}
                ]),
                "custom:n: Existing attribute already has name custom:n.",
            ),
            (
                text(json!({"MaxLength": "2049"})),
                "user.custom:n: String attributes cannot have a length of more than 2048",
            ),
            (
                text(json!({"MinLength": "9", "MaxLength": "3"})),
                "user.custom:n: Max length cannot be less than min length.",
            ),
            (text(json!({"MinLength": "x"})), "Invalid StringAttributeConstraints for schema attribute n"),
            (
                number(json!({"MinValue": "9", "MaxValue": "3"})),
                "user.custom:n: Max value cannot be less than min value.",
            ),
            (json!([{"AttributeDataType": "String"}]), "An attribute of the schema needs a Name."),
        ] {
            assert_eq!(refused(schema), words);
        }
    }

    #[test]
    fn attributes_are_added_and_none_is_replaced() {
        let schema = created(read(json!([{"Name": "a", "AttributeDataType": "String"}]))).expect("a schema");
        let more = |name: &str| read(json!([{"Name": name, "AttributeDataType": "Boolean"}]));
        let longer = extended(schema.clone(), more("b")).expect("a schema");
        assert_eq!(longer.len(), schema.len() + 1);
        let error = extended(longer, more("a")).expect_err("a refusal");
        assert!(error.to_string().ends_with("custom:a: Existing attribute already has name custom:a."));
        let many = (0..51).map(|n| json!({"Name": format!("n{n}"), "AttributeDataType": "String"})).collect();
        assert_eq!(refused(Document::Array(many)), "A user pool can have 50 custom attributes.");
    }
}
