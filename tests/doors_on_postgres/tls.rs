//! TLS to the database: verified, or refused (CF-03).

use latchkey::store::{SetUpLock, Store, settings::Database};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::{
    ports::free_port,
    postgres::{Tls, start},
};

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    CertifiedIssuer::self_signed(params, key).expect("an authority")
}

#[tokio::test]
async fn a_database_whose_certificate_is_of_another_authority_or_name_is_refused() {
    let (ours, other) = (authority(), authority());
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
    let certificate = params.signed_by(&key, &ours).expect("a certificate");
    let port = free_port();
    let tls = Tls { port, key: key.serialize_pem(), certificate: certificate.pem() };
    let _server = tokio::task::spawn_blocking(move || start(Some(&tls))).await.expect("PostgreSQL");

    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, pem: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, pem).expect("written");
        path.display().to_string().replace('/', "%2F")
    };
    let (ours, other) = (file("ours.pem", &ours.pem()), file("other.pem", &other.pem()));
    let open = async |host: &str, query: &str| {
        let url = format!("postgres://latchkey@{host}:{port}/postgres?{query}");
        let database = Database::parse(&url).expect("a URL");
        let lock = SetUpLock::wait(&database).await.expect("the lock");
        match Store::open(&database, 4, &lock).await {
            Ok(store) => {
                store.close().await;
                Ok(())
            }
            Err(error) => Err(error.to_string()),
        }
    };
    let verified = format!("sslmode=verify-full&sslrootcert={ours}");
    assert_eq!(open("localhost", &verified).await, Ok(()));
    for (host, query) in [
        ("localhost", format!("sslmode=verify-full&sslrootcert={other}")),
        ("localhost", "sslmode=verify-full".to_owned()),
        ("127.0.0.1", verified),
    ] {
        let refused = open(host, &query).await.expect_err(&query);
        assert!(!refused.contains("sslrootcert"), "{refused}");
    }
}
