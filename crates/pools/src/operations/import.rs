//! Jobs that bring users in from a file.

use super::import_file::{columns, upload_mac};
use crate::Pools;
use crate::page::Page;
use postern_access::{Caller, Operations};
use postern_model::cognito_idp::errors::*;
use postern_model::cognito_idp::{
    CreateUserImportJobRequest, CreateUserImportJobResponse, DescribeUserImportJobRequest,
    DescribeUserImportJobResponse, GetCSVHeaderRequest, GetCSVHeaderResponse, ListUserImportJobsRequest,
    ListUserImportJobsResponse, PasswordHashingAlgorithmType, StartUserImportJobRequest,
    StartUserImportJobResponse, StopUserImportJobRequest, StopUserImportJobResponse, UserImportJobStatusType,
    UserImportJobType, op,
};
use postern_model::shape::Timestamp as Moment;
use postern_model::{Answer, Error, refusal, refuse};
use postern_store::import_jobs::ImportJobRow;
use postern_store::{Tx, random};

const LETTERS_AND_DIGITS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
/// How long the address for the file works (Developer Guide, "Importing users from a CSV file").
const UPLOAD_MS: i64 = 15 * 60_000;
const JOBS_MAX: i64 = 1000;

pub fn operations() -> Operations<Pools> {
    Operations::new()
        .on(op::GetCSVHeader, Pools::get_csv_header)
        .on(op::CreateUserImportJob, Pools::create_user_import_job)
        .on(op::DescribeUserImportJob, Pools::describe_user_import_job)
        .on(op::ListUserImportJobs, Pools::list_user_import_jobs)
        .on(op::StartUserImportJob, Pools::start_user_import_job)
        .on(op::StopUserImportJob, Pools::stop_user_import_job)
}

impl Pools {
    pub async fn get_csv_header(
        &self,
        _: &Caller,
        request: GetCSVHeaderRequest,
    ) -> Answer<GetCSVHeaderResponse> {
        let pool = self.pool(&request.user_pool_id).await?;
        Ok(GetCSVHeaderResponse { user_pool_id: Some(pool.id.clone()), csv_header: Some(columns(&pool)) })
    }

    /// Makes a job, and the address that its file is put to.
    pub async fn create_user_import_job(
        &self,
        _: &Caller,
        request: CreateUserImportJobRequest,
    ) -> Answer<CreateUserImportJobResponse> {
        let pools = self.clone();
        let (id, token) = (random::text(LETTERS_AND_DIGITS, 10), hex::encode(random::bytes::<32>()));
        self.store
            .write(move |tx| {
                let pool = pools.pool_in(tx, &request.user_pool_id)?;
                let role =
                    request.cloud_watch_logs_role_arn.rsplit('/').next().unwrap_or_default().to_owned();
                if tx.find_iam_role(&role)?.is_none() {
                    return refuse(InvalidParameterException, format!("The role {role} does not exist."));
                }
                if tx.list_import_jobs(&pool.id, "", JOBS_MAX)?.len() as i64 >= JOBS_MAX {
                    return refuse(
                        LimitExceededException,
                        format!("A user pool can have at most {JOBS_MAX} import jobs."),
                    );
                }
                let now = pools.clock.now();
                let job = ImportJobRow {
                    id: format!("import-{id}"),
                    pool_id: pool.id.clone(),
                    name: request.job_name.clone(),
                    role_arn: request.cloud_watch_logs_role_arn.clone(),
                    status: UserImportJobStatusType::Created.as_str().to_owned(),
                    upload_mac: upload_mac(tx.keys(), &token).to_vec(),
                    upload_expires: now.plus_ms(UPLOAD_MS),
                    header: String::new(),
                    next_chunk: 0,
                    imported: 0,
                    skipped: 0,
                    failed: 0,
                    message: String::new(),
                    created: now,
                    started: None,
                    completed: None,
                    hash_like: String::new(),
                    hashing: request
                        .password_hashing_algorithm
                        .map_or_else(String::new, |algorithm| algorithm.as_str().to_owned()),
                };
                tx.add_import_job(&job)?;
                let url = format!("{}/import/{}?token={token}", pools.place.public_url, job.id);
                let shown = UserImportJobType { pre_signed_url: Some(url), ..shown(job) };
                Ok(CreateUserImportJobResponse { user_import_job: Some(shown) })
            })
            .await
    }

    pub async fn describe_user_import_job(
        &self,
        _: &Caller,
        request: DescribeUserImportJobRequest,
    ) -> Answer<DescribeUserImportJobResponse> {
        let pools = self.clone();
        self.store
            .read(move |tx| {
                let pool = pools.pool_in(tx, &request.user_pool_id)?;
                let job = tx.find_import_job(&request.job_id)?.filter(|job| job.pool_id == pool.id);
                let job = job.ok_or_else(|| no_such_job(&request.job_id))?;
                Ok(DescribeUserImportJobResponse { user_import_job: Some(shown(job)) })
            })
            .await
    }

    pub async fn list_user_import_jobs(
        &self,
        _: &Caller,
        request: ListUserImportJobsRequest,
    ) -> Answer<ListUserImportJobsResponse> {
        let pools = self.clone();
        self.store
            .read(move |tx| {
                let pool = pools.pool_in(tx, &request.user_pool_id)?;
                let keys = tx.keys().clone();
                let place = format!("{}/import jobs", pool.id);
                let token = request.pagination_token.as_deref();
                let page = Page::asked(&keys, place, token, Some(request.max_results))?;
                let mut rows = tx.list_import_jobs(&pool.id, &page.after, page.rows())?;
                let pagination_token = page.cut(&keys, &mut rows, |row| row.id.clone());
                let jobs = rows.into_iter().map(shown).collect();
                Ok(ListUserImportJobsResponse { user_import_jobs: Some(jobs), pagination_token })
            })
            .await
    }

    /// Starts a job whose file has come; a pool works off one at a time.
    pub async fn start_user_import_job(
        &self,
        _: &Caller,
        request: StartUserImportJobRequest,
    ) -> Answer<StartUserImportJobResponse> {
        let pools = self.clone();
        self.store
            .write(move |tx| {
                tx.lock_pool(&request.user_pool_id)?;
                let mut job = pools.import_job(tx, &request.user_pool_id, &request.job_id)?;
                if job.status != UserImportJobStatusType::Created.as_str() {
                    return refuse(
                        PreconditionNotMetException,
                        format!("The job is {} and cannot be started.", job.status),
                    );
                }
                if job.header.is_empty() {
                    return refuse(PreconditionNotMetException, "No file has been uploaded for the job.");
                }
                if tx.is_importing(&job.pool_id)? {
                    return refuse(PreconditionNotMetException, "Another job of the user pool is running.");
                }
                job.status = UserImportJobStatusType::Pending.as_str().to_owned();
                job.started = Some(pools.clock.now());
                tx.change_import_job(&job)?;
                Ok(StartUserImportJobResponse { user_import_job: Some(shown(job)) })
            })
            .await
    }

    pub async fn stop_user_import_job(
        &self,
        _: &Caller,
        request: StopUserImportJobRequest,
    ) -> Answer<StopUserImportJobResponse> {
        let pools = self.clone();
        self.store
            .write(move |tx| {
                let mut job = pools.import_job(tx, &request.user_pool_id, &request.job_id)?;
                let running = [UserImportJobStatusType::Pending, UserImportJobStatusType::InProgress];
                if !running.iter().any(|status| status.as_str() == job.status) {
                    return refuse(
                        PreconditionNotMetException,
                        format!("The job is {} and cannot be stopped.", job.status),
                    );
                }
                job.status = UserImportJobStatusType::Stopping.as_str().to_owned();
                tx.change_import_job(&job)?;
                Ok(StopUserImportJobResponse { user_import_job: Some(shown(job)) })
            })
            .await
    }

    /// Finds a job of a pool; whoever changes it waits from here on.
    fn import_job(&self, tx: &mut Tx<'_>, pool_id: &str, job_id: &str) -> Answer<ImportJobRow> {
        let pool = self.pool_in(tx, pool_id)?;
        let job = tx.import_job_to_change(job_id)?.filter(|job| job.pool_id == pool.id);
        job.ok_or_else(|| no_such_job(job_id))
    }
}

fn no_such_job(job_id: &str) -> Error {
    refusal(ResourceNotFoundException, format!("Import job {job_id} does not exist."))
}

fn shown(job: ImportJobRow) -> UserImportJobType {
    UserImportJobType {
        job_name: Some(job.name),
        job_id: Some(job.id),
        user_pool_id: Some(job.pool_id),
        pre_signed_url: None,
        creation_date: Some(Moment(job.created.ms())),
        start_date: job.started.map(|time| Moment(time.ms())),
        completion_date: job.completed.map(|time| Moment(time.ms())),
        status: UserImportJobStatusType::parse(&job.status),
        cloud_watch_logs_role_arn: Some(job.role_arn),
        imported_users: Some(job.imported),
        skipped_users: Some(job.skipped),
        failed_users: Some(job.failed),
        completion_message: Some(job.message).filter(|message| !message.is_empty()),
        password_hashing_algorithm: PasswordHashingAlgorithmType::parse(&job.hashing),
    }
}
