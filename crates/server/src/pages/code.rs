//! The page that asks for a code, and what is said of codes wherever they are asked for.

use super::assets;
use super::words::{Counted, Words};
use super::{Form, Frame};

/// What a code is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeKind {
    /// Posts to `/login/code`.
    SignIn,
    /// Posts to `/confirm`.
    ConfirmSignUp,
    /// There is none: a link is to be opened. Posts to `/confirm` to go on.
    ConfirmByLink,
}

/// What is wrong with a code, or with its sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeError {
    Empty,
    Wrong,
    /// Wrong, and few tries are left.
    WrongLeft {
        tries: u64,
    },
    Spent,
    Expired,
    Used,
    /// It was right, and what it proves belongs to another account by now.
    Taken,
    SendFailed,
    /// So many wrong ones that none is looked at for now.
    TooMany {
        minutes: u64,
    },
    /// For a reason that is not the person's to know.
    Refused,
}

impl CodeError {
    pub(super) fn said(self, is_text: bool, words: &Words) -> String {
        match self {
            CodeError::Empty if is_text => words.code_empty_text.to_owned(),
            CodeError::Empty => words.code_empty.to_owned(),
            CodeError::Wrong if is_text => words.code_wrong_text.to_owned(),
            CodeError::Wrong => words.code_wrong.to_owned(),
            CodeError::WrongLeft { tries } => words.code_wrong_left.of(tries),
            CodeError::Spent => words.code_spent.to_owned(),
            CodeError::Expired => words.code_expired.to_owned(),
            CodeError::Used => words.code_used.to_owned(),
            CodeError::Taken => words.code_for_taken.to_owned(),
            CodeError::SendFailed if is_text => words.send_failed_text.to_owned(),
            CodeError::SendFailed => words.send_failed.to_owned(),
            CodeError::TooMany { minutes } => words.too_many.of(minutes),
            CodeError::Refused => words.not_now.to_owned(),
        }
    }
}

/// Why no code was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsent {
    Mail,
    Text,
    /// The last one had not its time to arrive yet.
    TooSoon {
        ago_s: u64,
        wait_s: u64,
    },
    TooMany {
        minutes: u64,
    },
    /// For a reason that is not the person's to know.
    Refused,
}

impl Unsent {
    /// Says it where another way is at hand, or where none is.
    pub(super) fn said(self, words: &Words, has_other_way: bool) -> String {
        match self {
            Unsent::Mail if has_other_way => words.send_failed_or_other_way.to_owned(),
            Unsent::Mail => words.send_failed.to_owned(),
            Unsent::Text if has_other_way => words.send_failed_text_or_other_way.to_owned(),
            Unsent::Text => words.send_failed_text.to_owned(),
            Unsent::TooSoon { ago_s, wait_s } => too_soon(words, ago_s, wait_s),
            Unsent::TooMany { minutes } => words.too_many.of(minutes),
            Unsent::Refused => words.not_now.to_owned(),
        }
    }
}

fn too_soon(words: &Words, ago_s: u64, wait_s: u64) -> String {
    format!("{} {}", words.sent_ago.of(ago_s.max(1)), words.ask_again_in.of(wait_s))
}

/// How long a code works, in hours where they are whole.
pub(super) fn works_for(words: &Words, minutes: u64) -> String {
    match (minutes / 60, minutes % 60) {
        (hours @ 1.., 0) => words.code_works_for_hours.of(hours),
        _ => words.code_works_for.of(minutes),
    }
}

/// What became of "Send a new code".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeNotice {
    Sent,
    TooSoon { ago_s: u64, wait_s: u64 },
    NoneLeft { sent: u64, wait_minutes: u64 },
}

impl CodeNotice {
    pub(super) fn said(self, words: &Words, wait: Counted) -> String {
        match self {
            CodeNotice::Sent => words.new_code_sent.to_owned(),
            CodeNotice::TooSoon { ago_s, wait_s } => too_soon(words, ago_s, wait_s),
            CodeNotice::NoneLeft { sent, wait_minutes } => {
                format!("{} {}", words.sent_codes.of(sent), wait.of(wait_minutes))
            }
        }
    }
}

/// "Check your email". Posts `code`; the new-code button posts to `/login/resend`.
#[derive(askama::Template)]
#[template(path = "login/code.html")]
pub struct CheckCode {
    pub frame: Frame,
    pub form: Form,
    pub kind: CodeKind,
    /// Where the code went, masked: `a***@e***`.
    pub destination: String,
    /// The name that was typed.
    pub name: String,
    /// Where to start over with another name.
    pub different_href: String,
    /// How long a code works, from the setting.
    pub minutes: u64,
    /// How long the newest one still works.
    pub left_s: u64,
    pub error: Option<CodeError>,
    pub notice: Option<CodeNotice>,
    /// How long until a new code may be asked for.
    pub resend_wait_s: u64,
    /// False when no more codes will be sent for now.
    pub may_resend: bool,
    pub other_way_href: Option<String>,
    /// The address that mails come from.
    pub from: Option<String>,
}

impl CheckCode {
    fn heading(&self) -> &'static str {
        match self.kind {
            CodeKind::SignIn if self.is_text() => self.frame.words.check_phone,
            CodeKind::SignIn | CodeKind::ConfirmByLink => self.frame.words.check_email,
            CodeKind::ConfirmSignUp => self.frame.words.confirm_account,
        }
    }

    /// Whether the code went to a telephone: a masked number has no `@`.
    fn is_text(&self) -> bool {
        self.destination.starts_with('+') && !self.destination.contains('@')
    }

    fn action(&self) -> &'static str {
        match self.kind {
            CodeKind::SignIn => "/login/code",
            CodeKind::ConfirmSignUp | CodeKind::ConfirmByLink => "/confirm",
        }
    }

    fn button(&self) -> &'static str {
        match self.kind {
            CodeKind::SignIn => self.frame.words.sign_in,
            CodeKind::ConfirmSignUp => self.frame.words.confirm,
            CodeKind::ConfirmByLink => self.frame.words.next,
        }
    }

    fn who(&self) -> (&'static str, &'static str) {
        match self.kind {
            CodeKind::SignIn => self.frame.words.signing_in_as.around("name"),
            CodeKind::ConfirmSignUp | CodeKind::ConfirmByLink => {
                self.frame.words.signing_up_as.around("name")
            }
        }
    }

    fn is_link(&self) -> bool {
        self.kind == CodeKind::ConfirmByLink
    }

    /// The words around where the message went.
    fn sent(&self) -> (&'static str, &'static str) {
        match self.is_link() {
            true => self.frame.words.links.sent_to.around("destination"),
            false => self.frame.words.code_sent_to.around("destination"),
        }
    }

    fn works_for(&self) -> String {
        if self.is_link() { String::new() } else { works_for(self.frame.words, self.minutes) }
    }

    fn send_again(&self) -> &'static str {
        if self.is_link() { self.frame.words.links.new } else { self.frame.words.new_code }
    }

    fn problem(&self) -> Option<String> {
        let words = self.frame.words;
        Some(match self.error? {
            CodeError::SendFailed => {
                let unsent = if self.is_text() { Unsent::Text } else { Unsent::Mail };
                unsent.said(words, self.other_way_href.is_some())
            }
            error => error.said(self.is_text(), words),
        })
    }

    fn status(&self) -> Option<String> {
        let words = self.frame.words;
        if self.is_link() && self.notice == Some(CodeNotice::Sent) {
            return Some(words.links.new_sent.to_owned());
        }
        let wait = if self.other_way_href.is_some() { words.wait_or_other_way } else { words.wait };
        Some(self.notice?.said(words, wait))
    }

    /// Whether only a new code leads on, so that asking for one becomes the main button.
    fn needs_new(&self) -> bool {
        let dead = matches!(
            self.error,
            Some(CodeError::Spent | CodeError::Expired | CodeError::Used | CodeError::SendFailed)
        );
        dead && self.may_resend
    }
}
