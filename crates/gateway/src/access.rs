//! Who may see what: whoever has the station's access code opens a session under a name; everything else is denied.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use alerting::Person;
use ctg::Timestamp;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Shortest access code: 128 random bits in base64url.
const ACCESS_CODE_LENGTH_MIN: usize = 22;
/// Longest name of a person, in characters.
const NAME_LENGTH_MAX: usize = 40;
/// A session ends after thirty days: the monitoring view of a station must not log out in between.
const SESSION_MAX_S: i64 = 30 * 86_400;
/// Most sessions at once; the oldest ends when another is opened.
const SESSIONS_MAX: usize = 1_024;
/// Wrong codes from one address before it must wait.
const WRONG_TRIES_MAX: u32 = 10;
/// Time after which wrong tries of an address are forgotten, in seconds.
const WRONG_TRIES_S: i64 = 60;
/// Addresses whose wrong tries are counted; beyond it all strangers share one count.
const ADDRESSES_MAX: usize = 4_096;
/// Name of the session cookie.
const COOKIE: &str = "maia_session";

/// The secret that opens a session at the station; made at random by the server at its first start.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct AccessCode([u8; 32]);

/// A text too short to be an access code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AccessCodeError;

impl AccessCode {
    /// The code with this text; only its digest is kept.
    ///
    /// # Errors
    /// If the text is too short to hold 128 random bits.
    pub(crate) fn new(text: &str) -> Result<Self, AccessCodeError> {
        let text = text.trim();
        if text.len() < ACCESS_CODE_LENGTH_MIN { Err(AccessCodeError) } else { Ok(Self(digest(text))) }
    }

    fn opens_for(&self, text: &str) -> bool {
        self.0.ct_eq(&digest(text.trim())).into()
    }
}

impl fmt::Debug for AccessCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessCode(…)")
    }
}

/// Why no session was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// The code is wrong.
    Code,
    /// The name is empty, too long, or holds control characters.
    Name,
    /// Too many wrong codes came from there.
    TooManyTries {
        /// When to try again, in seconds from now.
        retry_after_s: i64,
    },
}

/// A session that was opened just now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    /// The value of the cookie.
    pub(crate) cookie: String,
    /// What to keep over restarts.
    pub(crate) session: Session,
}

/// Somebody who is logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    /// Its name inside the service.
    pub(crate) key: SessionKey,
    /// Who.
    pub(crate) person: Person,
    /// When it was opened.
    pub(crate) opened: Timestamp,
}

/// The open sessions, and who tried wrong codes.
#[derive(Debug)]
pub(crate) struct Access {
    code: AccessCode,
    sessions: BTreeMap<SessionKey, Session>,
    wrong: BTreeMap<Option<IpAddr>, WrongTries>,
}

/// Names a session inside the service; the cookie cannot be made from it.
pub(crate) type SessionKey = [u8; 32];

#[derive(Debug)]
struct WrongTries {
    count: u32,
    last: Timestamp,
}

impl Access {
    /// Nobody is logged in.
    pub(crate) fn new(code: AccessCode) -> Self {
        Self { code, sessions: BTreeMap::new(), wrong: BTreeMap::new() }
    }

    /// Takes over the sessions of an earlier life of the service.
    pub(crate) fn restore(&mut self, sessions: impl IntoIterator<Item = Session>) {
        self.sessions.extend(sessions.into_iter().map(|session| (session.key, session)));
    }

    /// Opens a session; `token` must be 32 fresh random bytes.
    pub(crate) fn open(
        &mut self,
        name: &str,
        code: &str,
        from: IpAddr,
        token: [u8; 32],
        now: Timestamp,
    ) -> Result<Opened, Denied> {
        self.check_tries(from, now)?;
        if !self.code.opens_for(code) {
            self.count_wrong(from, now);
            return Err(Denied::Code);
        }
        let person = person(name).ok_or(Denied::Name)?;
        self.wrong.remove(&Some(from));
        self.sessions.retain(|_, session| session.is_valid(now));
        if self.sessions.len() >= SESSIONS_MAX {
            let oldest = self.sessions.iter().min_by_key(|(_, session)| session.opened).map(|(key, _)| *key);
            oldest.map(|key| self.sessions.remove(&key));
        }
        let cookie = hex::encode(token);
        let session = Session { key: digest(&cookie), person, opened: now };
        self.sessions.insert(session.key, session.clone());
        Ok(Opened { cookie, session })
    }

    /// The session that a `Cookie` header names.
    pub(crate) fn session(&self, cookies: &str, now: Timestamp) -> Option<(SessionKey, Person)> {
        let tokens = cookies.split(';').filter_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='));
        tokens.map(digest).find_map(|key| Some((key, self.person(key, now)?)))
    }

    /// Whose session this is; `None` once it ended.
    pub(crate) fn person(&self, key: SessionKey, now: Timestamp) -> Option<Person> {
        self.sessions.get(&key).filter(|session| session.is_valid(now)).map(|session| session.person.clone())
    }

    /// Ends a session.
    pub(crate) fn close(&mut self, key: SessionKey) {
        self.sessions.remove(&key);
    }

    fn check_tries(&mut self, from: IpAddr, now: Timestamp) -> Result<(), Denied> {
        self.wrong.retain(|_, tries| tries.last.plus_seconds(WRONG_TRIES_S) > now);
        let key = self.tries_key(from);
        match self.wrong.get(&key).filter(|tries| tries.count >= WRONG_TRIES_MAX) {
            Some(tries) => {
                let wait = tries.last.plus_seconds(WRONG_TRIES_S).seconds_since(now);
                Err(Denied::TooManyTries { retry_after_s: wait.ceil() as i64 })
            }
            None => Ok(()),
        }
    }

    fn count_wrong(&mut self, from: IpAddr, now: Timestamp) {
        let key = self.tries_key(from);
        let tries = self.wrong.entry(key).or_insert(WrongTries { count: 0, last: now });
        tries.count += 1;
        tries.last = now;
    }

    /// The count that an address belongs to: its own, or the common one when too many are counted.
    fn tries_key(&self, from: IpAddr) -> Option<IpAddr> {
        (self.wrong.contains_key(&Some(from)) || self.wrong.len() < ADDRESSES_MAX).then_some(from)
    }
}

impl Session {
    fn is_valid(&self, now: Timestamp) -> bool {
        now < self.opened.plus_seconds(SESSION_MAX_S)
    }
}

/// Sessions opened before this moment have expired.
pub(crate) const fn expired_before(now: Timestamp) -> Timestamp {
    now.plus_seconds(-SESSION_MAX_S)
}

/// The `Set-Cookie` value that gives a session to the browser; `secure` where it is reached through TLS.
pub(crate) fn set_cookie(value: &str, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    format!("{COOKIE}={value}; Path=/; Max-Age={SESSION_MAX_S}; HttpOnly; SameSite=Strict{secure}")
}

/// The `Set-Cookie` value that takes the session from the browser.
pub(crate) fn clear_cookie() -> String {
    format!("{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict")
}

/// True if a request comes from the page itself: its origin is the host that it asks, or one of `allowed`.
pub(crate) fn is_own_origin(origin: Option<&str>, host: Option<&str>, allowed: &[String]) -> bool {
    let Some(origin) = origin else { return false };
    let rest = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    rest.is_some_and(|rest| Some(rest) == host) || allowed.iter().any(|allowed| allowed == origin)
}

fn person(name: &str) -> Option<Person> {
    let name = name.trim();
    let length = name.chars().count();
    let printable = |c: char| !c.is_control() && !is_invisible(c);
    ((1..=NAME_LENGTH_MAX).contains(&length) && name.chars().all(printable)).then(|| Person(name.to_owned()))
}

/// Characters that turn or hide text, so that two names could look alike.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{ad}')
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const CODE: &str = "0123456789abcdef0123456789abcdef";
    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn access() -> Access {
        Access::new(AccessCode::new(CODE).unwrap())
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(0).plus_seconds(seconds)
    }

    #[test]
    fn the_code_opens_a_session_under_the_name() {
        let mut access = access();
        let Opened { cookie, session } = access.open(" 值班助产士 ", CODE, HERE, [1; 32], at(0)).unwrap();
        let header = format!("theme=dark; maia_session={cookie}");
        let (key, person) = access.session(&header, at(1)).unwrap();
        assert_eq!(person, Person("值班助产士".to_owned()));
        assert_eq!(key, session.key);
        assert_eq!(access.session(&format!("maia_session=x{cookie}"), at(1)), None);
        assert_eq!(access.session(&header, at(SESSION_MAX_S)), None);
        access.close(key);
        assert_eq!(access.session(&header, at(1)), None);
    }

    #[test]
    fn sessions_outlive_the_service() {
        let Opened { cookie, session } = access().open("a", CODE, HERE, [1; 32], at(0)).unwrap();
        let mut next = access();
        next.restore([session]);
        assert!(next.session(&format!("maia_session={cookie}"), at(1)).is_some());
    }

    #[test]
    fn names_must_be_readable() {
        let long = "x".repeat(41);
        for bad in ["", "  ", "a\u{7}b", "a\u{202e}b", &long] {
            assert_eq!(access().open(bad, CODE, HERE, [1; 32], at(0)), Err(Denied::Name), "{bad:?}");
        }
        assert!(access().open(&"x".repeat(40), CODE, HERE, [1; 32], at(0)).is_ok());
    }

    #[test]
    fn wrong_codes_make_an_address_wait_even_with_the_right_one() {
        let mut access = access();
        for _ in 0..WRONG_TRIES_MAX {
            assert_eq!(access.open("a", "wrong", HERE, [1; 32], at(0)), Err(Denied::Code));
        }
        let denied = access.open("a", CODE, HERE, [1; 32], at(10));
        assert_eq!(denied, Err(Denied::TooManyTries { retry_after_s: 50 }));
        let elsewhere = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
        assert!(access.open("a", CODE, elsewhere, [1; 32], at(10)).is_ok());
        assert!(access.open("a", CODE, HERE, [2; 32], at(WRONG_TRIES_S)).is_ok());
    }

    #[test]
    fn the_oldest_session_ends_when_there_are_too_many() {
        let mut access = access();
        let token = |number: usize| std::array::from_fn(|at| if at == 0 { number as u8 } else { (number >> 8) as u8 });
        let cookies: Vec<String> = (0..=SESSIONS_MAX)
            .map(|number| access.open("a", CODE, HERE, token(number), at(number as i64)).unwrap().cookie)
            .collect();
        let is_open = |cookie: &String| access.session(&format!("maia_session={cookie}"), at(2_000)).is_some();
        assert!(!is_open(&cookies[0]));
        assert!(cookies[1..].iter().all(is_open));
    }

    #[test]
    fn only_the_page_itself_is_of_the_own_origin() {
        let check = |origin, host, expect| {
            let allowed = ["https://station.example".to_owned()];
            assert_eq!(is_own_origin(origin, host, &allowed), expect, "{origin:?} {host:?}");
        };
        check(Some("http://127.0.0.1:8080"), Some("127.0.0.1:8080"), true);
        check(Some("https://ward.example"), Some("ward.example"), true);
        check(Some("https://station.example"), Some("127.0.0.1:8080"), true);
        check(Some("http://evil.example"), Some("127.0.0.1:8080"), false);
        check(Some("http://127.0.0.1:8080.evil.example"), Some("127.0.0.1:8080"), false);
        check(Some("null"), Some("null"), false);
        check(None, Some("127.0.0.1:8080"), false);
    }

    #[test]
    fn a_short_code_is_refused_and_never_printed() {
        assert_eq!(AccessCode::new("admin"), Err(AccessCodeError));
        assert_eq!(format!("{:?}", AccessCode::new(CODE)), "Ok(AccessCode(…))");
    }
}
