//! The life of challenges against a small model of it (rules C6, C7, C8 and C10): whatever order people, strangers, time,
//! two nodes and crashes come in, a code is used once, no challenge bears more guesses than its attempts, no account more
//! than its day's, and the right code of a living challenge always signs in.

use crate::story::{App, Challenge, another, code_in, mail_settles};
use crate::support::{Client, TestServer};
use postern_server::settings::Settings;
use proptest::prelude::*;
use serde_json::json;
use tokio::task::JoinSet;

const ALICE: &str = "alice@example.com";
const ATTEMPTS: usize = 5;
/// Wrong guesses that an account bears in a day.
const BUDGET: usize = 50;
const LIFE_MS: i64 = 180_000;

/// Something that happens. Challenges are counted from the newest.
#[derive(Clone, Debug)]
enum Step {
    Ask,
    Guess {
        back: usize,
        times: usize,
    },
    Answer {
        back: usize,
    },
    /// The right code from many at once, on both nodes.
    Race {
        back: usize,
    },
    /// The code of one challenge at another.
    Elsewhere {
        back: usize,
    },
    Wait {
        ms: i64,
    },
    /// A node dies, and another comes up on the same data.
    Crash {
        first: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let back = 0..4_usize;
    prop_oneof![
        6 => Just(Step::Ask),
        5 => (back.clone(), 1..=4_usize).prop_map(|(back, times)| Step::Guess { back, times }),
        3 => back.clone().prop_map(|back| Step::Answer { back }),
        2 => back.clone().prop_map(|back| Step::Race { back }),
        1 => back.prop_map(|back| Step::Elsewhere { back }),
        3 => (1_000..LIFE_MS).prop_map(|ms| Step::Wait { ms }),
        1 => any::<bool>().prop_map(|first| Step::Crash { first }),
    ]
}

/// What is known of a challenge.
struct Held {
    challenge: Challenge,
    /// The code that was mailed; none where codes are held back.
    code: Option<String>,
    attempts: usize,
    used: bool,
    expires_ms: i64,
}

impl Held {
    fn is_live(&self, now_ms: i64) -> bool {
        !self.used && now_ms < self.expires_ms && self.attempts < ATTEMPTS
    }

    /// Guesses that are held back for it yet; while there is room, those of a used code are, too, until it dies.
    fn open(&self, now_ms: i64) -> usize {
        let may_be_guessed = self.code.is_some() && now_ms < self.expires_ms;
        if may_be_guessed { ATTEMPTS - self.attempts } else { 0 }
    }
}

/// Two nodes, and what the model thinks of them.
struct World {
    nodes: [TestServer; 2],
    settings: Settings,
    pool_id: String,
    client_id: String,
    held: Vec<Held>,
    /// Wrong guesses that met a code, all in one day.
    met: usize,
    turn: usize,
}

impl World {
    async fn new() -> World {
        let (one, two) = TestServer::two_nodes().await;
        let app = App::new(&one).await;
        app.person(ALICE).await;
        let (pool_id, client_id) = (app.pool_id.clone(), app.client_id.clone());
        let settings = two.app.settings.clone();
        World { nodes: [one, two], settings, pool_id, client_id, held: Vec::new(), met: 0, turn: 0 }
    }

    fn now_ms(&self) -> i64 {
        self.nodes[0].clock.now().ms()
    }

    /// The app as the next node knows it; the nodes take turns.
    fn app(&mut self) -> App<'_> {
        self.turn += 1;
        let server = &self.nodes[self.turn % 2];
        App { server, pool_id: self.pool_id.clone(), client_id: self.client_id.clone() }
    }

    fn place_of(&self, back: usize) -> Option<usize> {
        self.held.len().checked_sub(back + 1)
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Ask => self.ask().await,
            Step::Guess { back, times } => {
                for _ in 0..times {
                    self.guess(back).await;
                }
            }
            Step::Answer { back } => self.answer(back, 1).await,
            Step::Race { back } => self.answer(back, 6).await,
            Step::Elsewhere { back } => self.elsewhere(back).await,
            Step::Wait { ms } => self.nodes[0].clock.advance(ms),
            Step::Crash { first } => {
                let place = usize::from(!first);
                let clock = self.nodes[place].clock.clone();
                self.nodes[place] = TestServer::node(self.settings.clone(), clock).await;
            }
        }
    }

    async fn ask(&mut self) {
        let app = self.app();
        let before = app.server.mails_to(ALICE).await.len();
        let challenge = app.asked(ALICE).await;
        mail_settles(app.server).await;
        let mails = app.server.mails_to(ALICE).await;
        let code = mails.iter().take(mails.len() - before).find(|mail| mail["code"].is_string()).map(code_in);
        let now_ms = self.now_ms();
        let owed: usize = self.held.iter().map(|held| held.open(now_ms)).sum();
        let is_borne = self.met + owed + ATTEMPTS <= BUDGET;
        assert!(code.is_some() || !is_borne, "held back after {} guesses and {owed} owed", self.met);
        let expires_ms = now_ms + LIFE_MS;
        self.held.push(Held { challenge, code, attempts: 0, used: false, expires_ms });
    }

    /// Gives an answer that is wrong, and holds what becomes of it against the model.
    async fn wrong(&mut self, place: usize, code: &str) {
        let now_ms = self.now_ms();
        let (challenge, was_live) = (self.held[place].challenge.clone(), self.held[place].is_live(now_ms));
        let reply = self.app().answers(ALICE, &challenge, code).await;
        let expected = if was_live { "CodeMismatchException" } else { "NotAuthorizedException" };
        assert_eq!(reply.body["__type"], expected, "{}", reply.body);
        if was_live {
            self.held[place].attempts += 1;
            self.met += usize::from(self.held[place].code.is_some());
        }
        assert!(self.met <= BUDGET, "{} guesses in a day", self.met);
    }

    async fn guess(&mut self, back: usize) {
        let Some(place) = self.place_of(back) else { return };
        let code = self.held[place].code.as_deref().map_or("00000000".to_owned(), another);
        self.wrong(place, &code).await;
    }

    /// Gives the code of another challenge.
    async fn elsewhere(&mut self, back: usize) {
        let (Some(place), Some(other)) = (self.place_of(back), self.place_of(back + 1)) else { return };
        let (own, code) = (self.held[place].code.clone(), self.held[other].code.clone());
        if let Some(code) = code.filter(|code| Some(code) != own.as_ref()) {
            self.wrong(place, &code).await;
        }
    }

    /// Gives the right code, from so many at once.
    async fn answer(&mut self, back: usize, times: usize) {
        let Some(place) = self.place_of(back) else { return };
        let Some(code) = self.held[place].code.clone() else { return };
        let is_live = self.held[place].is_live(self.now_ms());
        let body = json!({
            "ClientId": self.client_id,
            "ChallengeName": self.held[place].challenge.name,
            "Session": self.held[place].challenge.session,
            "ChallengeResponses": { "USERNAME": ALICE, "EMAIL_OTP_CODE": code },
        });
        let mut running = JoinSet::new();
        for number in 0..times {
            let node = &self.nodes[number % 2];
            let (client, body) = (Client::new(&node.url, node.clock.clone()), body.clone());
            running.spawn(async move { client.json("RespondToAuthChallenge", &body, None).await });
        }
        let mut signed_in = 0;
        while let Some(reply) = running.join_next().await {
            let reply = reply.expect("the request ends");
            signed_in += usize::from(reply.status == 200);
            assert!(
                reply.status == 200 || reply.body["__type"] == "NotAuthorizedException",
                "{}",
                reply.body
            );
        }
        assert_eq!(signed_in, usize::from(is_live), "{:?}", self.held[place].attempts);
        self.held[place].used |= is_live;
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 8,
        max_shrink_iters: 60,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_comes_in_whatever_order_a_challenge_lives_by_its_rules(
        steps in prop::collection::vec(step(), 10..45)
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let mut world = World::new().await;
            for step in steps {
                world.take(step).await;
            }
        });
    }
}
