//! Users brought in from a file: which columns it has, a new job with its file, how far each has come, and what was the
//! matter with lines that could not be imported.

use super::desk::{Answered, Desk, Stopped, found, items, text, texts};
use super::lists::{Finds, List, Source};
use super::menu::Place;
use super::note::Note;
use super::pools::{base, counted, time};
use crate::pages::console::field::{Choice, Field, Input};
use crate::pages::console::form::Form;
use crate::pages::console::list::{Cell, Table, Tone};
use crate::pages::console::parts::{Button, Buttons, Fact, Facts, Numbers, Watched};
use crate::pages::console::{Block as _, part};
use axum::extract::Path;
use postern_model::cognito_idp::errors::{InvalidParameterException, ResourceNotFoundException};
use postern_model::{Document, Error, Service, refusal};
use postern_pools::operations::import_file::Upload;
use serde_json::json;

const PAGE: &str = "/users";
/// How often a job that is running is looked at again, in seconds.
const LOOK_EVERY_S: u32 = 2;
/// The role that a job is made with where there is none yet, as the Cognito console calls it.
const ROLE: &str = "Cognito-UserImport-Role";
const ROLE_TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"cognito-idp.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

/// How the passwords of a file are hashed.
const HASHES: [(&str, &str); 5] = [
    ("", "No passwords: people set one, or sign in by a code"),
    ("BCRYPT", "bcrypt"),
    ("SCRYPT", "scrypt"),
    ("PBKDF2_SHA256", "PBKDF2 with SHA-256"),
    ("ARGON2ID", "Argon2id"),
];

fn list_of(pool_id: &str) -> String {
    format!("{}{PAGE}/imports", base(pool_id))
}

fn page_of(pool_id: &str, job_id: &str) -> String {
    format!("{}/{}", list_of(pool_id), part(job_id))
}

fn in_pool<'a>(pool_id: &'a str, pool: &'a Document, above: &'a str, above_name: &'a str) -> Place<'a> {
    Place::InPool { id: pool_id, name: text(pool, "Name"), page: PAGE, above, above_name }
}

/// A job's status in words, and how it stands.
fn status(job: &Document) -> Cell {
    let (tone, words) = match text(job, "Status") {
        "Created" => (Tone::Waiting, "Waiting to be started"),
        "Pending" => (Tone::Waiting, "About to begin"),
        "InProgress" => (Tone::Waiting, "Running"),
        "Stopping" => (Tone::Waiting, "Stopping"),
        "Stopped" => (Tone::Bad, "Stopped"),
        "Expired" => (Tone::Bad, "Not started in time"),
        "Failed" => (Tone::Bad, "Failed"),
        "Succeeded" => (Tone::Good, "Done"),
        other => (Tone::Plain, other),
    };
    Cell::Status(tone, words.to_owned())
}

fn is_running(job: &Document) -> bool {
    ["Pending", "InProgress", "Stopping"].contains(&text(job, "Status"))
}

fn number(job: &Document, name: &str) -> String {
    counted(job[name].as_i64().unwrap_or_default())
}

/// `GET …/users/imports`
pub async fn list(Path(pool_id): Path<String>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let here = list_of(&pool_id);
    let list = List {
        caption: "Import jobs",
        called: ("import job", "import jobs"),
        columns: &["Job", "Status", "Imported", "Skipped", "Failed", "Created"],
        source: Source {
            token: "PaginationToken",
            ..Source::pools("ListUserImportJobs", "UserImportJobs", json!({ "UserPoolId": pool_id }))
        },
        finds: Finds::Whole,
        make: Some((format!("{here}/new"), "Import users")),
        here,
        empty: "People who are elsewhere already come in from a CSV file, with their attributes.",
        command: format!("aws cognito-idp create-user-import-job --user-pool-id {pool_id} --job-name …"),
        all: None,
        live_s: None,
    };
    let listed = desk.list(list, |job| {
        vec![
            Cell::link(page_of(&pool_id, text(job, "JobId")), text(job, "JobName")),
            status(job),
            Cell::words(number(job, "ImportedUsers")),
            Cell::words(number(job, "SkippedUsers")),
            Cell::words(number(job, "FailedUsers")),
            time(job, "CreationDate"),
        ]
    });
    let blocks = listed.await?.blocks(&desk, Vec::new());
    let above = format!("{}{PAGE}", base(&pool_id));
    desk.show(&in_pool(&pool_id, &pool, &above, "Users"), "Import jobs", "", blocks)
}

/// `GET …/users/imports/new`
pub async fn ask_new(Path(pool_id): Path<String>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let above = list_of(&pool_id);
    let header = desk.pools("GetCSVHeader", json!({ "UserPoolId": pool_id })).await?;
    let columns = texts(&header, "CSVHeader").join(",");
    let facts = Facts {
        title: "The file".to_owned(),
        hint: "A CSV file in UTF-8 with a header line, at most 100 MB and 500,000 users. It may leave columns out, all but cognito:username; where passwords come along, it has the column cognito:password_hash, too. A user whose name is taken is skipped.".to_owned(),
        facts: vec![Fact::new(
            "Columns of this pool",
            "CSVHeader",
            vec![Cell::Copy { id: "columns".to_owned(), text: columns }],
        )],
        edit_href: None,
    };
    let hashes = HASHES.map(|(value, label)| Choice::new(value, label, value.is_empty()));
    let mut fields = vec![
        Field::line("name", "Job name", "").api("JobName"),
        Field::new("file", "CSV file", Input::File { accept: ".csv,text/csv" }),
        Field::new("hashing", "Passwords", Input::Select(hashes.into())).api("PasswordHashingAlgorithm"),
    ];
    fields.push(
        Field::new("role", "IAM role", Input::Select(desk.import_roles().await?))
            .api("CloudWatchLogsRoleArn")
            .hint("Cognito writes its log as this role. Here a job keeps its log itself; the role must be there all the same."),
    );
    let mut form = Form::new(format!("{above}/new"), &desk.csrf(), "Start import", fields).cancel(&above);
    form.has_files = true;
    let blocks = vec![facts.html(), desk.put(form)];
    let lead = "People who come in sign in by a code, or set a password first; nobody is written to.";
    desk.show(&in_pool(&pool_id, &pool, &above, "Import jobs"), "Import users", lead, blocks)
}

impl Desk {
    /// The roles that a job can be made with, as far as this administrator may see them.
    async fn import_roles(&self) -> Result<Vec<Choice>, Stopped> {
        let listed =
            self.look(Service::Iam, "ListRoles", json!({ "MaxItems": 1000 })).await?.unwrap_or_default();
        let roles = items(&listed, "Roles").iter().map(|role| (text(role, "Arn"), text(role, "RoleName")));
        let mut choices: Vec<Choice> =
            roles.map(|(arn, name)| Choice::new(arn, name, name == ROLE)).collect();
        if !choices.iter().any(|choice| choice.on) {
            choices.insert(0, Choice::new("", format!("Create a new role: {ROLE}"), true));
        }
        Ok(choices)
    }

    /// The role that was chosen, made where it is to be new.
    async fn import_role(&self) -> Result<String, Error> {
        if !self.typed("role").is_empty() {
            return Ok(self.typed("role").to_owned());
        }
        let input = json!({
            "RoleName": ROLE, "Path": "/service-role/", "AssumeRolePolicyDocument": ROLE_TRUST,
            "Description": "Lets user pools write the log of imports",
        });
        let made = self.call(found(Service::Iam, "CreateRole"), &input).await?;
        Ok(text(&made, "Role.Arn").to_owned())
    }
}

/// `POST …/users/imports/new`: makes a job, gives it the file, and starts it.
pub async fn make(Path(pool_id): Path<String>, desk: Desk) -> Answered {
    let form = format!("{}/new", list_of(&pool_id));
    match begin(&desk, &pool_id).await {
        Ok((job_id, note)) => desk.go(&page_of(&pool_id, &job_id), &note).await,
        Err(error) => desk.back(&form, error).await,
    }
}

async fn begin(desk: &Desk, pool_id: &str) -> Result<(String, Note), Error> {
    let invalid = |words: &'static str| refusal(InvalidParameterException, words);
    let file = desk.file("file").filter(|file| !file.is_empty());
    let file = file.ok_or_else(|| invalid("Choose a CSV file."))?;
    let hashing = desk.typed("hashing");
    // A file that cannot be read leaves no job behind.
    if let Some(fault) = desk.app.pools.import_file_fault(pool_id, !hashing.is_empty(), file.to_vec()).await?
    {
        return Err(invalid(fault));
    }
    let mut input = json!({
        "UserPoolId": pool_id, "JobName": desk.typed("name"),
        "CloudWatchLogsRoleArn": desk.import_role().await?,
    });
    if !hashing.is_empty() {
        input["PasswordHashingAlgorithm"] = hashing.into();
    }
    let create = found(Service::CognitoIdp, "CreateUserImportJob");
    let made = desk.call(create, &input).await?;
    let job_id = text(&made, "UserImportJob.JobId").to_owned();
    let token =
        text(&made, "UserImportJob.PreSignedUrl").rsplit_once("token=").map_or("", |(_, token)| token);
    match desk.app.pools.take_import_file(&job_id, token, file.to_vec()).await? {
        Upload::Taken => {}
        Upload::Unreadable(fault) => return Err(invalid(fault)),
        Upload::NoJob => return Err(refusal(ResourceNotFoundException, "The job takes no file any more.")),
    }
    let start = found(Service::CognitoIdp, "StartUserImportJob");
    let started = json!({ "UserPoolId": pool_id, "JobId": job_id });
    desk.call(start, &started).await?;
    Ok((job_id, Note::done("Import started").by(create, &input).by(start, &started)))
}

/// `GET …/users/imports/{job}`
pub async fn one(Path((pool_id, job_id)): Path<(String, String)>, desk: Desk) -> Answered {
    let pool = desk.pool(&pool_id).await?;
    let asked = json!({ "UserPoolId": pool_id, "JobId": job_id });
    let job = desk.pools("DescribeUserImportJob", asked.clone()).await?["UserImportJob"].take();
    let numbers = [("ImportedUsers", "imported"), ("SkippedUsers", "skipped"), ("FailedUsers", "failed")];
    let numbers = numbers.map(|(name, what)| (number(&job, name), what.to_owned()));
    let mut words = vec![status(&job)];
    if !text(&job, "CompletionMessage").is_empty() {
        words.push(Cell::words(text(&job, "CompletionMessage")));
    }
    let facts = vec![
        Fact::new("Status", "Status", words),
        Fact::new("Job ID", "JobId", vec![Cell::Code(job_id.clone())]),
        Fact::new("Started", "StartDate", vec![time(&job, "StartDate")]),
        Fact::new("Ended", "CompletionDate", vec![time(&job, "CompletionDate")]),
    ];
    let faults = desk.look(Service::Postern, "ListImportFaults", asked).await?;
    let progress = Facts { title: "Import job".to_owned(), hint: String::new(), facts, edit_href: None };
    let live = is_running(&job).then(|| desk.live(LOOK_EVERY_S));
    let mut blocks = vec![
        Watched { live, blocks: vec![Numbers { numbers: numbers.into() }.html(), progress.html()] }.html(),
    ];
    match faults {
        Ok(faults) => {
            let rows = items(&faults, "Faults").iter().map(|fault| {
                let line = fault["Line"].as_i64().unwrap_or_default();
                vec![
                    Cell::words(format!("Line {}", counted(line))),
                    Cell::words(fault_words(text(fault, "Fault"))),
                ]
            });
            let mut table = Table::new(
                "Lines that could not be imported",
                vec!["Line", "What is the matter"],
                rows.collect(),
            )
            .or_empty("None so far.", None, "");
            if job["FailedUsers"].as_i64() > Some(1000) {
                table.count = "The first 1,000 are shown.".to_owned();
            }
            blocks.push(table.html());
        }
        Err(refusal) => blocks.push(desk.unseen(&refusal)),
    }
    let list = list_of(&pool_id);
    let here = page_of(&pool_id, &job_id);
    if text(&job, "Status") == "Created" {
        let start = Button::post(format!("{here}/act"), "Start import", &[("action", "start")]).main();
        blocks.push(Buttons { csrf: desk.csrf(), buttons: vec![start] }.html());
    } else if is_running(&job) {
        let stop = Button::post(format!("{here}/act"), "Stop import", &[("action", "stop")]);
        blocks.push(Buttons { csrf: desk.csrf(), buttons: vec![stop] }.html());
    }
    desk.show(&in_pool(&pool_id, &pool, &list, "Import jobs"), text(&job, "JobName"), "", blocks)
}

/// A fault as a sentence; of refusals only the kind is kept.
fn fault_words(fault: &str) -> String {
    match fault {
        "InvalidParameterException" => "A value is not one that its attribute takes.".to_owned(),
        "UsernameExistsException" | "AliasExistsException" => {
            "Somebody has this name or address already.".to_owned()
        }
        fault => {
            let mut letters = fault.chars();
            let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
            format!("{first}{}.", letters.as_str().trim_end_matches('.'))
        }
    }
}

/// `POST …/users/imports/{job}/act`
pub async fn act(Path((pool_id, job_id)): Path<(String, String)>, desk: Desk) -> Answered {
    let here = page_of(&pool_id, &job_id);
    let (operation, words) = match desk.typed("action") {
        "start" => ("StartUserImportJob", "Import started"),
        _ => ("StopUserImportJob", "Import is being stopped"),
    };
    desk.change(super::desk::Change {
        service: Service::CognitoIdp,
        operation,
        input: json!({ "UserPoolId": pool_id, "JobId": job_id }),
        words,
        done: here.clone(),
        form: here,
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_a_sentence() {
        assert_eq!(fault_words("it has no user name"), "It has no user name.");
        assert_eq!(fault_words("MFA cannot be enabled by an import"), "MFA cannot be enabled by an import.");
        assert!(fault_words("InvalidParameterException").starts_with("A value"));
    }
}
