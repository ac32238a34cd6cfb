use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::{
    domain::Password,
    passwords::{PasswordHash, Passwords, Place, Verdict, imported::*},
};

/// Made by the programs themselves, or by code from their source; each was verified by a second
/// program.
const VECTORS: &str = include_str!("vectors.json");

#[derive(Deserialize)]
struct Vector {
    program: String,
    hash: String,
    password: String,
    firebase: Option<FirebaseParameters>,
}

#[derive(Deserialize)]
struct FirebaseParameters {
    base64_signer_key: String,
    base64_salt_separator: String,
    rounds: u32,
    mem_cost: u8,
}

impl Vector {
    fn kept(&self) -> Result<String, &'static str> {
        let project = self.firebase.as_ref().map(|project| {
            let FirebaseParameters { base64_signer_key: key, base64_salt_separator, .. } = project;
            FirebaseProject::new(key, base64_salt_separator, project.rounds, project.mem_cost)
                .expect("a project")
        });
        to_be_kept(&self.hash, project.as_ref())
    }
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(VECTORS).expect("vectors")
}

#[tokio::test]
async fn the_hashes_of_other_programs_let_their_owners_in_and_nobody_else() {
    let passwords = Passwords::new(2).expect("threads");
    let mut programs = BTreeSet::new();
    for vector in vectors() {
        let kept = vector.kept().unwrap_or_else(|why| panic!("{}: {why}", vector.program));
        let verify = async |password: &str| {
            let password = Password::parse(password).expect("a password");
            passwords
                .verify(&password, Some(&PasswordHash::of(kept.clone())), Place::default())
                .await
                .expect("a verdict")
        };
        assert!(verify(&vector.password).await.right, "{}", vector.program);
        let wrong = format!("{}x", vector.password);
        // bcrypt looks at 72 bytes.
        let is_cut = wrong.len() > 72 && kept.starts_with("$2");
        assert!(is_cut || !verify(&wrong).await.right, "{}", vector.program);
        programs.insert(vector.program.split(' ').next().expect("a name").to_owned());
    }
    assert!(programs.len() > 12, "{programs:?}");
}

#[test]
fn no_weak_hash_is_kept_as_it_is() {
    for vector in vectors() {
        let kept = vector.kept().unwrap_or_else(|why| panic!("{}: {why}", vector.program));
        match StoredHash::parse(&kept).expect("what was just made") {
            StoredHash::Plain(Kept { recipe, .. }) => {
                assert!(!recipe.is_weak(), "{}", vector.program);
            }
            StoredHash::Wrapped(Wrapped { outer, .. }) => {
                assert!(is_ours(&outer), "{}", vector.program);
                let digest = vector.hash.rsplit(['$', ':', '}']).next().expect("a digest");
                assert!(digest.len() < 16 || !kept.contains(digest), "{}", vector.program);
            }
        }
        // An export can be imported again.
        assert_eq!(to_be_kept(&kept, None).as_ref(), Ok(&kept), "{}", vector.program);
    }
}

#[tokio::test]
async fn what_was_typed_is_tried_as_it_was_typed() {
    let passwords = Passwords::new(1).expect("a thread");
    let typed = Password::parse("Zoe\u{308} u\u{308}berall 7").expect("a password");
    let composed = Password::parse("Zoë überall 7").expect("a password");
    let bytes = typed.spellings().last().expect("as it was typed").to_vec();
    let hash = bcrypt::hash_with_salt(bytes, 10, [7; 16]).expect("a hash").to_string();
    for (password, right) in [(&typed, true), (&composed, false)] {
        let verdict = passwords
            .verify(password, Some(&PasswordHash::of(hash.clone())), Place::default())
            .await;
        assert_eq!(verdict.expect("a verdict"), Verdict { right, outdated: true });
    }
    // Also if another program has our parameters.
    let (recipe, digest) =
        ours(typed.spellings().last().expect("as it was typed")).expect("a digest");
    let Recipe::Argon2 { salt, .. } = &recipe else { panic!("ours is Argon2") };
    let base64 = base64::engine::general_purpose::STANDARD_NO_PAD;
    let (salt, digest) = (base64.encode(salt), base64.encode(digest));
    let hash = format!("$argon2id$v=19$m=19456,t=2,p=1${salt}${digest}");
    let kept = to_be_kept(&hash, None).expect("a hash");
    assert_eq!(kept, hash, "an export of ours is imported as it is");
    let verdict =
        passwords.verify(&typed, Some(&PasswordHash::of(kept.clone())), Place::default()).await;
    assert_eq!(verdict.expect("a verdict"), Verdict { right: true, outdated: true });
    // Ours are made from the composed form, and both spellings match.
    let hash = passwords.hash(&typed, Place::default()).await.expect("a hash");
    for password in [&typed, &composed] {
        let verdict = passwords.verify(password, Some(&hash), Place::default()).await;
        assert_eq!(verdict.expect("a verdict"), Verdict { right: true, outdated: false });
    }
}

#[test]
fn whatever_costs_too_much_or_is_no_hash_is_refused() {
    for (hash, reason) in [
        ("", "in a spelling"),
        ("password", "in a spelling"),
        ("5f4dcc3b5aa765d61d8327deb882cf99", "in a spelling"),
        ("$1$salt$hash", "in a spelling"),
        ("{CRYPT}abJnggxhB/yWI", "too old"),
        ("firebase:c2FsdA==:aGFzaA==", "Firebase"),
        ("pbkdf2:sha256$salt$hash", "how many rounds"),
        (
            "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "costs",
        ),
        (
            "$argon2id$v=19$m=19456,t=4000,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "costs",
        ),
        ("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ", "Argon2"),
        ("$argon2id$nonsense", "Argon2"),
        (
            "$argon2x$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "kind",
        ),
        (
            "$argon2id$v=20$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "version",
        ),
        ("pbkdf2_sha256$1000$sa\0lt$AAAAAAAAAAAAAAAAAAAAAA==", "no hash holds"),
        ("$pbkdf2$i=4000000$c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAA", "costs"),
        ("$2b$31$abcdefghijklmnopqrstuuMkRAIhXmmFOgkGgTQXoYJgOFXNYjxyC", "costs"),
        ("$2b$12$short", "bcrypt"),
        ("$2x$12$abcdefghijklmnopqrstuuMkRAIhXmmFOgkGgTQXoYJgOFXNYjxyC", "bcrypt"),
        ("$scrypt$ln=30,r=8,p=1$c2FsdA$AAAAAAAAAAAAAAAAAAAAAA", "costs"),
        ("$scrypt$ln=15,r=8$c2FsdA$AAAAAAAAAAAAAAAAAAAAAA", "scrypt"),
        ("$scrypt$ln=255,r=4294967295,p=4294967295$c2FsdA$AAAAAAAAAAAAAAAAAAAAAA", "costs"),
        ("scrypt$16385$salt$8$1$AAAAAAAAAAAAAAAAAAAAAA==", "scrypt"),
        ("$pbkdf2-sha256$i=4294967295$c2FsdA$AAAAAAAAAAAAAAAAAAAAAA", "costs"),
        ("$pbkdf2-sha256$i=0$c2FsdA$AAAAAAAAAAAAAAAAAAAAAA", "PBKDF2"),
        ("$pbkdf2-md5$i=1000$c2FsdA$AAAAAAAAAAAAAAAAAAAAAA", "digest"),
        ("pbkdf2_sha256$1000$salt$AA==", "PBKDF2"),
        ("$P$Zabcdefgh1234567890123456789012", "phpass"),
        ("$S$Wabcdefgh1234567890123456789012345678901234567890123", "phpass"),
        (
            "$6$rounds=999999999$saltsalt$hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh",
            "costs",
        ),
        ("latchkey:kept:AAAA", "has kept"),
        (&"x".repeat(2049), "too long"),
    ] {
        let refused = to_be_kept(hash, None).expect_err(hash);
        assert!(refused.contains(reason), "{hash}: {refused}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text in "\\PC{0,80}") {
        let _ = StoredHash::parse(&text);
    }

    #[test]
    fn what_looks_like_a_hash_is_read_without_a_panic(
        name in "(argon2|bcrypt|bcrypt_sha256|scrypt|pbkdf2_sha256|U|:B:|1\\|)?",
        text in "[$:{]?(2[aby]|argon2id|scrypt|[PSHU]|wp|[56]|pbkdf2(-sha(1|256|512))?|SSHA|pbkdf2)?[$:}][a-zA-Z0-9=,$/+.:!]{0,80}",
    ) {
        let _ = StoredHash::parse(&format!("{name}{text}"));
    }
}
