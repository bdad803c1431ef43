//! Attributes: what a pool's schema accepts, who may write what, and what follows from a change.

use crate::client::Client;
use crate::names::{NameKind, is_phone_number};
use crate::pool::Pool;
use crate::user::{Status, User};
use postern_mail::address::Address;
use postern_model::cognito_idp::errors::*;
use postern_model::cognito_idp::{AttributeDataType, AttributeType, SchemaAttributeType};
use postern_model::{Answer, refusal, refuse};
use postern_store::Tx;
use postern_store::users::UserName;

const VALUE_MAX: usize = 2048;

/// The attributes that the pool requires, but for the `sub`, which every user has.
pub fn required(pool: &Pool) -> impl Iterator<Item = &str> {
    schema(pool)
        .filter(|attribute| attribute.required == Some(true))
        .filter_map(|attribute| attribute.name.as_deref())
        .filter(|name| *name != "sub")
}

fn schema(pool: &Pool) -> impl Iterator<Item = &SchemaAttributeType> {
    pool.config.schema_attributes.iter().flatten()
}

/// Turns the wire's list into pairs; a member without a value means the empty text.
pub fn pairs(list: Option<&Vec<AttributeType>>) -> Vec<(String, String)> {
    list.into_iter()
        .flatten()
        .map(|attribute| (attribute.name.clone(), attribute.value.clone().unwrap_or_default()))
        .collect()
}

/// Reads a list of changes, in which every member has a value: only the empty text removes one.
pub fn changes(list: &[AttributeType]) -> Answer<Vec<(String, String)>> {
    let read = |attribute: &AttributeType| match &attribute.value {
        Some(value) => Ok((attribute.name.clone(), value.clone())),
        None => refuse(
            InvalidParameterException,
            format!("Attribute value for {} must not be null", attribute.name),
        ),
    };
    list.iter().map(read).collect()
}

/// Writes attributes into a new user, as an administrator may: flags included.
pub fn write_new(pool: &Pool, user: &mut User, attributes: &[(String, String)]) -> Answer<()> {
    attributes.iter().try_for_each(|(name, value)| put(pool, user, name, value))
}

/// Refuses a user who lacks an attribute that the pool requires.
pub fn complete(pool: &Pool, user: &User) -> Answer<()> {
    match required(pool).find(|name| user.attribute(name).is_none()) {
        None => Ok(()),
        Some(name) => refuse(
            InvalidParameterException,
            format!("Attributes did not conform to the schema: {name}: The attribute is required\n"),
        ),
    }
}

/// Changes attributes of a user as an administrator may.
pub fn change(pool: &Pool, user: &mut User, attributes: &[(String, String)]) -> Answer<()> {
    for (name, value) in attributes {
        keep_fixed(pool, user, name, value)?;
        if value.is_empty() && user.attribute(name).is_some() {
            keep_required(pool, name)?;
        }
        put_as_new(pool, user, attributes, name, value)?;
    }
    Ok(())
}

/// Refuses to change what keeps the value that it was created with. What the pool requires may be given later, once.
fn keep_fixed(pool: &Pool, user: &User, name: &str, value: &str) -> Answer<()> {
    let before = user.attribute(name).unwrap_or_default();
    let is_owed = before.is_empty() && required(pool).any(|required| required == name);
    let is_fixed = find(pool, name)?.mutable == Some(false) && name != "sub";
    if is_fixed && before != value && !is_owed {
        return refuse(InvalidParameterException, format!("user.{name}: Attribute cannot be updated.\n"));
    }
    Ok(())
}

fn keep_required(pool: &Pool, name: &str) -> Answer<()> {
    if name == "sub" || required(pool).any(|required| required == name) {
        return refuse(
            InvalidParameterException,
            format!("Invalid user attributes: {name}: Required attribute cannot be deleted."),
        );
    }
    Ok(())
}

/// Puts one of some values in. A new address without its flag is unverified.
fn put_as_new(
    pool: &Pool,
    user: &mut User,
    attributes: &[(String, String)],
    name: &str,
    value: &str,
) -> Answer<()> {
    let is_new = user.attribute(name).unwrap_or_default() != value;
    put(pool, user, name, value)?;
    let flag = format!("{name}_verified");
    let flagged = attributes.iter().any(|(given, _)| *given == flag);
    if is_new && ["email", "phone_number"].contains(&name) && !flagged {
        user.set_verified(name, false);
    }
    Ok(())
}

/// Tells whether an attribute says that another one is verified; only codes and administrators set it.
pub fn is_flag(name: &str) -> bool {
    ["email_verified", "phone_number_verified"].contains(&name)
}

/// Refuses what the user may not write: what the client may not, and ever a flag (attack case 47).
pub fn may_write_own<'a>(client: &Client, names: impl IntoIterator<Item = &'a String>) -> Answer<()> {
    if names.into_iter().any(|name| is_flag(name) || name == "sub" || !client.can_write(name)) {
        return refuse(NotAuthorizedException, "A client attempted to write unauthorized attribute");
    }
    Ok(())
}

/// Changes attributes as their user may.
pub fn write_own(
    pool: &Pool,
    client: &Client,
    user: &mut User,
    attributes: &[(String, String)],
) -> Answer<()> {
    may_write_own(client, attributes.iter().map(|(name, _)| name))?;
    change(pool, user, attributes)
}

/// Writes the attributes that somebody signs up with.
pub fn write_signing_up(
    pool: &Pool,
    client: &Client,
    user: &mut User,
    attributes: &[(String, String)],
) -> Answer<()> {
    may_write_own(client, attributes.iter().map(|(name, _)| name))?;
    for (name, value) in attributes {
        put_as_new(pool, user, attributes, name, value)?;
    }
    complete(pool, user)
}

/// Removes attributes; required ones, those that cannot be changed and the `sub` stay.
pub fn remove(pool: &Pool, user: &mut User, names: &[String]) -> Answer<()> {
    let unknown: String = names
        .iter()
        .filter(|name| find(pool, name).is_err())
        .map(|name| format!("user.{name}: Attribute does not exist in the schema.\n"))
        .collect();
    if !unknown.is_empty() {
        return refuse(InvalidParameterException, format!("Invalid user attributes: {unknown}"));
    }
    for name in names {
        keep_required(pool, name)?;
        keep_fixed(pool, user, name, "")?;
        user.attributes.remove(name);
        user.attributes.remove(&format!("{name}_verified"));
    }
    Ok(())
}

fn find<'a>(pool: &'a Pool, name: &str) -> Answer<&'a SchemaAttributeType> {
    schema(pool).find(|attribute| attribute.name.as_deref() == Some(name)).ok_or_else(|| {
        refusal(
            InvalidParameterException,
            format!(
                "Attributes did not conform to the schema: {name}: Attribute does not exist in the schema.\n"
            ),
        )
    })
}

/// Puts one value in; the empty text removes it.
fn put(pool: &Pool, user: &mut User, name: &str, value: &str) -> Answer<()> {
    let entry = find(pool, name)?;
    if name == "sub" {
        return refuse(InvalidParameterException, "Cannot modify the non-mutable attribute sub");
    }
    if value.is_empty() {
        user.attributes.remove(name);
        return Ok(());
    }
    check(entry, name, value)?;
    let value = match entry.attribute_data_type {
        Some(AttributeDataType::Boolean) => value.to_ascii_lowercase(),
        _ => value.to_owned(),
    };
    user.attributes.insert(name.to_owned(), value);
    Ok(())
}

fn check(entry: &SchemaAttributeType, name: &str, value: &str) -> Answer<()> {
    let nonconforming = |fault: &str| {
        refuse(
            InvalidParameterException,
            format!("Attributes did not conform to the schema: {name}: {fault}\n"),
        )
    };
    match name {
        "email" if Address::parse(value).is_err() => {
            return refuse(InvalidParameterException, "Invalid email address format.");
        }
        "phone_number" if !is_phone_number(value) => {
            return refuse(InvalidParameterException, "Invalid phone number format.");
        }
        _ => {}
    }
    if value.chars().any(char::is_control) {
        return nonconforming("Control characters are not allowed");
    }
    match entry.attribute_data_type {
        Some(AttributeDataType::Boolean)
            if !["true", "false"].contains(&value.to_ascii_lowercase().as_str()) =>
        {
            nonconforming("Value must be true or false")
        }
        Some(AttributeDataType::Number) => {
            let Ok(number) = value.parse::<i128>() else { return nonconforming("Value must be a number") };
            let limits = entry.number_attribute_constraints.clone().unwrap_or_default();
            let limit = |text: Option<String>| text.and_then(|text| text.parse::<i128>().ok());
            if limit(limits.min_value).is_some_and(|min| number < min) {
                nonconforming("Value is less than the minimum")
            } else if limit(limits.max_value).is_some_and(|max| number > max) {
                nonconforming("Value is more than the maximum")
            } else {
                Ok(())
            }
        }
        _ => {
            let length = value.chars().count();
            let limits = entry.string_attribute_constraints.clone().unwrap_or_default();
            let limit = |text: Option<String>| text.and_then(|text| text.parse::<usize>().ok());
            if limit(limits.min_length).is_some_and(|min| length < min) {
                nonconforming("String is shorter than the minimum length")
            } else if length > limit(limits.max_length).unwrap_or(VALUE_MAX).min(VALUE_MAX) {
                nonconforming("String is longer than the maximum length")
            } else {
                Ok(())
            }
        }
    }
}

/// Gives the name under which a new user is stored and the attribute that the typed name fills, by the pool's
/// sign-in configuration (Developer Guide, "Customizing sign-in attributes"). Another value of that attribute among
/// those given would make an account that the typed name does not lead to.
pub fn new_username(pool: &Pool, typed: &str, user: &mut User, given: &[(String, String)]) -> Answer<()> {
    let is_email = Address::parse(typed).is_ok();
    let is_phone = is_phone_number(typed);
    if pool.username_attributes.is_empty() {
        for alias in &pool.alias_attributes {
            match alias {
                NameKind::Email if is_email => {
                    return refuse(
                        InvalidParameterException,
                        "Username cannot be of email format, since user pool is configured for email alias.",
                    );
                }
                NameKind::PhoneNumber if is_phone => {
                    return refuse(
                        InvalidParameterException,
                        "Username cannot be of phone number format, since user pool is configured for phone \
                         number alias.",
                    );
                }
                _ => {}
            }
        }
        user.username = pool.stored_username(typed, &user.id).to_owned();
        return Ok(());
    }
    let takes_email = pool.username_attributes.contains(&NameKind::Email);
    let takes_phone = pool.username_attributes.contains(&NameKind::PhoneNumber);
    let attribute = match (is_email && takes_email, is_phone && takes_phone) {
        (true, _) => "email",
        (_, true) => "phone_number",
        _ => {
            let wanted = match (takes_email, takes_phone) {
                (true, true) => "Username should be either an email or a phone number.",
                (true, false) => "Username should be an email.",
                _ => "Username should be a phone number.",
            };
            return refuse(InvalidParameterException, wanted);
        }
    };
    let is_another = |value: &str| pool.name_key(value) != pool.name_key(typed);
    if given.iter().any(|(name, value)| name == attribute && is_another(value)) {
        return refuse(InvalidParameterException, format!("Username and {attribute} must be the same."));
    }
    user.username = pool.stored_username(typed, &user.id).to_owned();
    user.attributes.insert(attribute.to_owned(), typed.to_owned());
    Ok(())
}

/// Takes a user's names from its attributes anew; a name that somebody else has is refused.
pub(crate) fn rename(tx: &mut Tx<'_>, pool: &Pool, user: &User) -> Answer<()> {
    for kind in [NameKind::Email, NameKind::PhoneNumber, NameKind::PreferredUsername] {
        tx.drop_user_names(&pool.id, &user.id, kind.as_str())?;
    }
    for name in names(pool, user) {
        if !tx.add_user_name(&pool.id, &user.id, &name)? {
            return refuse(
                AliasExistsException,
                format!("An account with the {} already exists.", name.kind),
            );
        }
    }
    Ok(())
}

/// The names a user is found by: the stored name, the sign-in attributes, and verified aliases. Who signs in by an
/// outside provider has the stored name alone, among others of its kind: what the provider says is theirs, and what it
/// calls them, may be somebody's here (rule H3).
pub fn names(pool: &Pool, user: &User) -> Vec<UserName> {
    let stored = |key| UserName { key, kind: NameKind::Username.as_str() };
    if user.status == Status::ExternalProvider {
        return vec![stored(pool.outside_key(&user.username))];
    }
    let mut names = vec![stored(pool.name_key(&user.username))];
    let mut add = |kind: NameKind| {
        if let Some(value) = user.attribute(kind.as_str()) {
            names.push(UserName { key: pool.name_key(value), kind: kind.as_str() });
        }
    };
    for kind in &pool.username_attributes {
        add(*kind);
    }
    for kind in &pool.alias_attributes {
        if *kind == NameKind::PreferredUsername || user.is_verified(kind.as_str()) {
            add(*kind);
        }
    }
    names
}
