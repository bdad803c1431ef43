//! The documents that an app points people to before they make an account.

use crate::Pools;
use crate::branding::is_web_address;
use crate::operations::branding::client_of;
use crate::operations::pools::StoredPool;
use crate::page::Page;
use crate::terms::{DEFAULT, Links, links};
use postern_access::{Caller, Operations};
use postern_model::cognito_idp::errors::*;
use postern_model::cognito_idp::*;
use postern_model::shape::{Nothing, Timestamp as Moment};
use postern_model::{Answer, Error, refusal, refuse};
use postern_store::Tx;
use postern_store::random;
use postern_store::terms::TermsRow;

/// Documents of one pool (quota).
const TERMS_MAX: i64 = 40;

pub fn operations() -> Operations<Pools> {
    Operations::new()
        .on(op::CreateTerms, Pools::create_terms)
        .on(op::DescribeTerms, Pools::describe_terms)
        .on(op::DescribeTermsByClient, Pools::describe_terms_by_client)
        .on(op::UpdateTerms, Pools::update_terms)
        .on(op::DeleteTerms, Pools::delete_terms)
        .on(op::ListTerms, Pools::list_terms)
}

impl Pools {
    /// Gives an app a document; each name once.
    pub async fn create_terms(&self, _: &Caller, request: CreateTermsRequest) -> Answer<CreateTermsResponse> {
        let now = self.clock.now();
        // The model wants ids of version 4.
        let id = uuid::Builder::from_random_bytes(random::bytes()).into_uuid().to_string();
        let links = accepted(request.links)?;
        self.store
            .write(move |tx| {
                StoredPool::find_to_change(tx, &request.user_pool_id)?;
                client_of(tx, &request.user_pool_id, &request.client_id)?;
                let row = TermsRow {
                    id: id.clone(),
                    pool_id: request.user_pool_id.clone(),
                    client_id: request.client_id.clone(),
                    name: request.terms_name.clone(),
                    links: links.clone(),
                    created: now,
                    modified: now,
                };
                if !tx.add_terms(&row)? {
                    return Err(exists(&row));
                }
                if tx.list_terms(&row.pool_id, "", TERMS_MAX + 1)?.len() as i64 > TERMS_MAX {
                    return refuse(
                        LimitExceededException,
                        format!("A user pool can have at most {TERMS_MAX} terms documents."),
                    );
                }
                Ok(CreateTermsResponse { terms: Some(shown(&row)?) })
            })
            .await
    }

    pub async fn describe_terms(
        &self,
        _: &Caller,
        request: DescribeTermsRequest,
    ) -> Answer<DescribeTermsResponse> {
        self.store
            .read(move |tx| {
                StoredPool::find(tx, &request.user_pool_id)?;
                let row = find(tx, &request.user_pool_id, &request.terms_id)?;
                Ok(DescribeTermsResponse { terms: Some(shown(&row)?) })
            })
            .await
    }

    pub async fn describe_terms_by_client(
        &self,
        _: &Caller,
        request: DescribeTermsByClientRequest,
    ) -> Answer<DescribeTermsByClientResponse> {
        self.store
            .read(move |tx| {
                StoredPool::find(tx, &request.user_pool_id)?;
                client_of(tx, &request.user_pool_id, &request.client_id)?;
                let rows = tx.terms_of_client(&request.client_id)?;
                let row = rows.into_iter().find(|row| row.name == request.terms_name).ok_or_else(|| {
                    let words = format!(
                        "Terms {} do not exist for client {}.",
                        request.terms_name, request.client_id
                    );
                    refusal(ResourceNotFoundException, words)
                })?;
                Ok(DescribeTermsByClientResponse { terms: Some(shown(&row)?) })
            })
            .await
    }

    /// Changes a document: what is left out stays.
    pub async fn update_terms(&self, _: &Caller, request: UpdateTermsRequest) -> Answer<UpdateTermsResponse> {
        let now = self.clock.now();
        let links = request.links.map(|links| accepted(Some(links))).transpose()?;
        self.store
            .write(move |tx| {
                StoredPool::find_to_change(tx, &request.user_pool_id)?;
                let mut row = find(tx, &request.user_pool_id, &request.terms_id)?;
                if let Some(name) = &request.terms_name {
                    row.name.clone_from(name);
                }
                if let Some(links) = &links {
                    row.links.clone_from(links);
                }
                row.modified = now;
                let others = tx.terms_of_client(&row.client_id)?;
                if others.iter().any(|other| other.name == row.name && other.id != row.id) {
                    return Err(exists(&row));
                }
                if !tx.change_terms(&row)? {
                    return Err(no_such_terms(&row.id));
                }
                Ok(UpdateTermsResponse { terms: Some(shown(&row)?) })
            })
            .await
    }

    pub async fn delete_terms(&self, _: &Caller, request: DeleteTermsRequest) -> Answer<Nothing> {
        self.store
            .write(move |tx| {
                StoredPool::find_to_change(tx, &request.user_pool_id)?;
                let row = find(tx, &request.user_pool_id, &request.terms_id)?;
                if !tx.delete_terms(&row)? {
                    return Err(no_such_terms(&row.id));
                }
                Ok(Nothing::default())
            })
            .await
    }

    pub async fn list_terms(&self, _: &Caller, request: ListTermsRequest) -> Answer<ListTermsResponse> {
        self.store
            .read(move |tx| {
                StoredPool::find(tx, &request.user_pool_id)?;
                let keys = tx.keys().clone();
                let place = format!("{}/terms", request.user_pool_id);
                let page = Page::asked(&keys, place, request.next_token.as_deref(), request.max_results)?;
                let mut rows = tx.list_terms(&request.user_pool_id, &page.after, page.rows())?;
                let next_token = page.cut(&keys, &mut rows, |row| row.id.clone());
                let terms = rows.into_iter().map(|row| TermsDescriptionType {
                    terms_id: row.id,
                    terms_name: row.name,
                    enforcement: TermsEnforcementType::None,
                    creation_date: Moment(row.created.ms()),
                    last_modified_date: Moment(row.modified.ms()),
                });
                Ok(ListTermsResponse { terms: terms.collect(), next_token })
            })
            .await
    }
}

/// Judges links: each leads to a page, and one of them is for everybody.
fn accepted(asked: Option<Links>) -> Answer<String> {
    let links = asked.unwrap_or_default();
    if let Some((language, _)) = links.iter().find(|(_, link)| !is_web_address(link)) {
        return refuse(
            InvalidParameterException,
            format!("The link for {language} must be an address that begins with https://."),
        );
    }
    if !links.contains_key(DEFAULT) {
        return refuse(InvalidParameterException, format!("Links must include {DEFAULT}."));
    }
    Ok(serde_json::to_string(&links).map_err(anyhow::Error::from)?)
}

fn find(tx: &mut Tx<'_>, pool_id: &str, id: &str) -> Answer<TermsRow> {
    tx.find_terms(pool_id, id)?.ok_or_else(|| no_such_terms(id))
}

fn no_such_terms(id: &str) -> Error {
    refusal(ResourceNotFoundException, format!("Terms {id} do not exist."))
}

fn exists(row: &TermsRow) -> Error {
    let words = format!("Terms {} already exist for client {}.", row.name, row.client_id);
    refusal(TermsExistsException, words)
}

fn shown(row: &TermsRow) -> Answer<TermsType> {
    Ok(TermsType {
        terms_id: row.id.clone(),
        user_pool_id: row.pool_id.clone(),
        client_id: row.client_id.clone(),
        terms_name: row.name.clone(),
        terms_source: TermsSourceType::Link,
        enforcement: TermsEnforcementType::None,
        links: links(row)?,
        creation_date: Moment(row.created.ms()),
        last_modified_date: Moment(row.modified.ms()),
    })
}
