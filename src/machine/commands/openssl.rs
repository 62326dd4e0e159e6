//! `openssl`, as far as clusters need it: looking at certificates, the pin of a CA, and a user's key,
//! request and certificate. Keys are stand-ins, hashes are real.

use super::{inputs, row};
use crate::addons::pki::{self, Cert, CertRequest};
use crate::base::hash::sha256;
use crate::base::{Duration, Str, Time, base64};
use crate::machine::program::{Command, Flow, Io};

pub static OPENSSL: Command = Command {
    startup_ms: 5,
    ..row("openssl", ["keys, certificates and hashes", "키와 인증서를 만들고 살펴봅니다"], run)
};

fn run(io: &mut Io<'_>, args: &[Str]) -> Flow<i32> {
    let sub = args.get(1).map_or("", Str::as_str);
    let rest = args.get(2..).unwrap_or_default();
    let old = before_three(io)?;
    match sub {
        "x509" => x509(io, old, rest),
        "req" => req(io, old, rest),
        "rsa" | "pkey" => rsa(io, old, rest),
        "genrsa" => genrsa(io, old, rest),
        "dgst" | "sha256" => dgst(io, old, sub, rest),
        "verify" => verify(io, old, rest),
        "rand" => rand(io, old, rest),
        "base64" => {
            let decode = rest.iter().any(|a| a == "-d");
            let text = io.read_all()?;
            if decode {
                let body: String = text.split_whitespace().collect();
                io.out(base64::decode(&body).and_then(|b| String::from_utf8(b).ok()).unwrap_or_default());
            } else {
                io.outln(base64::encode(text.as_bytes()));
            }
            Ok(0)
        }
        "version" => {
            io.outln(if old {
                "OpenSSL 1.0.2k-fips  26 Jan 2017"
            } else {
                "OpenSSL 3.2.2 4 Jun 2024 (Library: OpenSSL 3.2.2 4 Jun 2024)"
            });
            Ok(0)
        }
        other => {
            io.errln(if old {
                format!("openssl:Error: '{other}' is an invalid command.")
            } else {
                format!("Invalid command '{other}'; type \"help\" for a list.")
            });
            io.fail_quietly(1)
        }
    }
}

/// CentOS 7's 1.0.2 instead of 3.
fn before_three(io: &mut Io<'_>) -> Flow<bool> {
    let release = io.read_file("/etc/os-release")?.unwrap_or_default();
    Ok(release.contains("VERSION_ID=\"7\""))
}

/// Options as openssl has them: one dash, the value in the next word where `valued` names it.
struct Args {
    found: Vec<(Str, Str)>,
    rest: Vec<Str>,
}

impl Args {
    fn has(&self, name: &str) -> bool {
        self.found.iter().any(|(n, _)| n == name)
    }
    fn value(&self, name: &str) -> Option<&str> {
        self.found.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

fn read(io: &mut Io<'_>, old: bool, sub: &str, args: &[Str], flags: &str, valued: &str) -> Flow<Args> {
    let (mut found, mut rest) = (Vec::new(), Vec::new());
    let mut words = args.iter();
    while let Some(word) = words.next() {
        let Some(name) = word.strip_prefix('-').filter(|n| !n.is_empty()) else {
            rest.push(word.clone());
            continue;
        };
        let name = name.trim_start_matches('-');
        if valued.split(' ').any(|v| v == name) {
            let Some(value) = words.next() else {
                return io.fail(1, format!("{sub}: Option -{name} needs a value\n{sub}: Use -help for summary."));
            };
            found.push((name.into(), value.clone()));
        } else if flags.split(' ').any(|f| f == name) {
            found.push((name.into(), Str::new()));
        } else {
            return io.fail(
                1,
                if old {
                    format!("unknown option -{name}")
                } else {
                    format!("{sub}: Unknown option: -{name}\n{sub}: Use -help for summary.")
                },
            );
        }
    }
    Ok(Args { found, rest })
}

/// The file of `-in`, or standard input.
fn source(io: &mut Io<'_>, old: bool, args: &Args, sub: &str) -> Flow<Str> {
    match args.value("in") {
        None => io.read_all(),
        Some(path) => file(io, old, path, sub),
    }
}

fn file(io: &mut Io<'_>, old: bool, path: &str, sub: &str) -> Flow<Str> {
    match io.read_file(path)? {
        Ok(text) => Ok(text),
        Err(why) if old => io.fail(1, format!("Error opening {} {path}\n{why}: {path}", what(sub))),
        Err(why) => io.fail(1, format!("Could not open file or uri for loading {} from {path}: {why}", what(sub))),
    }
}

fn what(sub: &str) -> &'static str {
    match sub {
        "x509" | "verify" => "certificate",
        "req" => "certificate request",
        _ => "private key",
    }
}

/// To the file of `-out`, or standard output.
fn put(io: &mut Io<'_>, args: &Args, text: String) -> Flow<i32> {
    match args.value("out") {
        None => io.out(text),
        Some(path) => {
            if let Err(why) = io.write_file(path, text)? {
                return io.fail(1, format!("Can't open \"{path}\" for writing, {why}"));
            }
        }
    }
    Ok(0)
}

fn unreadable<T>(io: &mut Io<'_>, old: bool, sub: &str, path: &str) -> Flow<T> {
    let text = if old {
        let expecting = match sub {
            "x509" => "TRUSTED CERTIFICATE",
            "req" => "CERTIFICATE REQUEST",
            _ => "ANY PRIVATE KEY",
        };
        format!(
            "unable to load {}\n140:error:0906D06C:PEM routines:PEM_read_bio:no start line:pem_lib.c:707:Expecting: {expecting}",
            what(sub)
        )
    } else {
        format!("Could not find {} from {path}", what(sub))
    };
    io.fail(1, text)
}

/// `Jan  5 09:00:00 2026 GMT`
fn date(t: Time) -> String {
    let iso = t.rfc3339();
    let part = |range: std::ops::Range<usize>| iso.get(range).unwrap_or_default().to_owned();
    let month: usize = part(5..7).parse().unwrap_or(1);
    let day: u32 = part(8..10).parse().unwrap_or(1);
    format!("{} {day:>2} {} {} GMT", crate::base::time::MONTHS[(month + 11) % 12], part(11..19), part(0..4))
}

/// A name in the way of the version at hand.
fn name(organization: &str, common: &str, old: bool, inside: bool) -> String {
    let parts = [("O", organization), ("CN", common)];
    let parts = parts.iter().filter(|(_, v)| !v.is_empty());
    match (old, inside) {
        (true, false) => parts.map(|(k, v)| format!("/{k}={v}")).collect(),
        (true, true) => parts.map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(", "),
        _ => parts.map(|(k, v)| format!("{k} = {v}")).collect::<Vec<_>>().join(", "),
    }
}

/// Pairs of digits with colons between.
fn colons(text: &str) -> String {
    text.as_bytes().chunks(2).map(|c| String::from_utf8_lossy(c)).collect::<Vec<_>>().join(":")
}

fn x509(io: &mut Io<'_>, old: bool, args: &[Str]) -> Flow<i32> {
    let flags = "noout text subject issuer dates startdate enddate serial fingerprint pubkey req CAcreateserial sha1 sha256 hash email purpose modulus nocert";
    let o = read(
        io,
        old,
        "x509",
        args,
        flags,
        "in out inform outform checkend CA CAkey CAserial days ext nameopt certopt extfile extensions signkey set_serial",
    )?;
    if o.has("req") {
        return sign(io, old, &o);
    }
    let text = source(io, old, &o, "x509")?;
    let Some(cert) = Cert::parse(&text) else { return unreadable(io, old, "x509", o.value("in").unwrap_or("<stdin>")) };
    let eq = if old { "= " } else { "=" };
    for (option, value) in &o.found {
        match option.as_str() {
            "text" => io.out(shown(&cert, old)),
            "subject" => io.outln(format!("subject{eq}{}", name(&cert.organization, &cert.name, old, false))),
            "issuer" => io.outln(format!("issuer{eq}{}", name("", &cert.issuer, old, false))),
            "dates" => io.outln(format!("notBefore={}\nnotAfter={}", date(cert.from), date(cert.to))),
            "startdate" => io.outln(format!("notBefore={}", date(cert.from))),
            "enddate" => io.outln(format!("notAfter={}", date(cert.to))),
            "serial" => io.outln(format!("serial={}", cert.serial.to_uppercase())),
            "fingerprint" => {
                let sum = pki::hex(&sha256(cert.pem().as_bytes())).to_uppercase();
                let short = !o.has("sha256");
                let (algorithm, sum) = if short { ("SHA1", &sum[..40]) } else { ("SHA256", &sum[..]) };
                let algorithm = if old { algorithm.to_owned() } else { algorithm.to_lowercase() };
                io.outln(format!("{algorithm} Fingerprint={}", colons(sum)));
            }
            "pubkey" => io.out(pki::wrap("PUBLIC KEY", cert.public.as_bytes())),
            "ext" if value.contains("subjectAltName") => {
                if cert.names.is_empty() {
                    io.outln("No extensions matched");
                } else {
                    io.outln(format!("X509v3 Subject Alternative Name: \n    {}", cert.names));
                }
            }
            "checkend" => {
                let seconds = value.parse::<u64>().unwrap_or(0);
                let ends = cert.to <= io.now()? + Duration::secs(seconds);
                io.outln(if ends { "Certificate will expire" } else { "Certificate will not expire" });
                return Ok(i32::from(ends));
            }
            _ => {}
        }
    }
    if o.has("noout") { Ok(0) } else { put(io, &o, cert.pem()) }
}

/// `-text`. Key and signature are shown short: they are stand-ins.
fn shown(cert: &Cert, old: bool) -> String {
    let own = cert.serial == cert.authority;
    let gap = if old { " " } else { "" };
    let algorithm = "sha256WithRSAEncryption";
    let serial = u64::from_str_radix(&cert.serial, 16).unwrap_or(0);
    let mut out =
        format!("Certificate:\n    Data:\n        Version: 3 (0x2)\n        Serial Number: {serial} (0x{serial:x})\n");
    let inside = if old { "    " } else { "        " };
    out += &format!("{inside}Signature Algorithm: {algorithm}\n");
    out += &format!("        Issuer: {}\n", name("", &cert.issuer, old, true));
    out += &format!(
        "        Validity\n            Not Before: {}\n            Not After : {}\n",
        date(cert.from),
        date(cert.to)
    );
    out += &format!("        Subject: {}\n", name(&cert.organization, &cert.name, old, true));
    out += &format!(
        "        Subject Public Key Info:\n            Public Key Algorithm: rsaEncryption\n                Public-Key: (2048 bit)\n                Modulus:\n                    00:{}\n                Exponent: 65537 (0x10001)\n",
        colons(&cert.public[..28.min(cert.public.len())])
    );
    out += "        X509v3 extensions:\n            X509v3 Key Usage: critical\n";
    if own {
        out += "                Digital Signature, Key Encipherment, Certificate Sign\n            X509v3 Basic Constraints: critical\n                CA:TRUE\n";
    } else {
        let usage = match cert.names.is_empty() {
            true => "TLS Web Client Authentication",
            false if cert.issuer == "etcd-ca" => "TLS Web Server Authentication, TLS Web Client Authentication",
            false => "TLS Web Server Authentication",
        };
        out += &format!(
            "                Digital Signature, Key Encipherment\n            X509v3 Extended Key Usage: \n                {usage}\n            X509v3 Basic Constraints: critical\n                CA:FALSE\n"
        );
    }
    let (names, own_name) = (&cert.names, format!("DNS:{}", cert.issuer));
    let names = if own { own_name.as_str() } else { names.as_str() };
    if !names.is_empty() {
        out += &format!("            X509v3 Subject Alternative Name: \n                {names}\n");
    }
    let value = if old { "" } else { "    Signature Value:\n" };
    let sum = pki::hex(&sha256(format!("{}{}", cert.authority, cert.serial).as_bytes()));
    out + &format!("    Signature Algorithm: {algorithm}\n{value}        {gap}{}\n", colons(&sum[..36]))
}

/// `x509 -req`: the authority signs a request.
fn sign(io: &mut Io<'_>, old: bool, o: &Args) -> Flow<i32> {
    let text = source(io, old, o, "req")?;
    let Some(asked) = CertRequest::parse(&text) else {
        return unreadable(io, old, "req", o.value("in").unwrap_or("<stdin>"));
    };
    let (Some(ca), Some(key)) = (o.value("CA"), o.value("CAkey").or(o.value("CA"))) else {
        return io.fail(1, "We need a private key to sign with");
    };
    let authority = file(io, old, ca, "x509")?;
    let Some(authority) = Cert::parse(&authority) else { return unreadable(io, old, "x509", ca) };
    let key_text = file(io, old, key, "rsa")?;
    let private = pki::unwrap("RSA PRIVATE KEY", &key_text).unwrap_or_default();
    if pki::public_of(&private) != authority.public {
        return io.fail(1, "CA certificate and CA private key do not match");
    }
    let days = match o.value("days").unwrap_or("30").parse::<u64>() {
        Ok(days) if days <= 36_500 => days,
        _ => return io.fail(1, "x509: Can't parse the number of days"),
    };
    let cert = asked.sign(&authority, io.now()?, Duration::secs(days * 86_400));
    let subject = name(&cert.organization, &cert.name, old, false);
    if old {
        io.errln(format!("Signature ok\nsubject={subject}\nGetting CA Private Key"));
    } else {
        io.errln(format!("Certificate request self-signature ok\nsubject={subject}"));
    }
    if o.has("CAcreateserial") {
        let path = format!("{}.srl", ca.rsplit_once('.').map_or(ca, |(head, _)| head));
        let _ = io.write_file(&path, format!("{}\n", cert.serial.to_uppercase()))?;
    }
    put(io, o, cert.pem())
}

/// `/CN=kim/O=dev`: common name and organization.
fn subject(text: &str) -> Option<(Str, Str)> {
    let parts = text.strip_prefix('/')?.split('/');
    let (mut common, mut organization) = (Str::new(), Str::new());
    for part in parts {
        let (key, value) = part.split_once('=')?;
        match key {
            "CN" => common = value.into(),
            "O" => organization = value.into(),
            _ => {}
        }
    }
    Some((common, organization))
}

fn req(io: &mut Io<'_>, old: bool, args: &[Str]) -> Flow<i32> {
    let o = read(
        io,
        old,
        "req",
        args,
        "new nodes noenc noout text subject verify pubkey batch sha256 x509",
        "in out key keyout newkey subj config days",
    )?;
    if !o.has("new") && o.value("newkey").is_none() {
        let text = source(io, old, &o, "req")?;
        let Some(asked) = CertRequest::parse(&text) else {
            return unreadable(io, old, "req", o.value("in").unwrap_or("<stdin>"));
        };
        if o.has("text") {
            io.outln(format!(
                "Certificate Request:\n    Data:\n        Version: {}\n        Subject: {}\n        Subject Public Key Info:\n            Public Key Algorithm: rsaEncryption\n                Public-Key: (2048 bit)",
                if old { "0 (0x0)" } else { "1 (0x0)" },
                name(&asked.organization, &asked.name, old, true)
            ));
        }
        if o.has("subject") {
            io.outln(format!("subject={}", name(&asked.organization, &asked.name, old, false)));
        }
        if o.has("verify") {
            io.errln(if old { "verify OK" } else { "Certificate request self-signature verify OK" });
        }
        return if o.has("noout") { Ok(0) } else { put(io, &o, asked.pem()) };
    }
    let Some((common, organization)) = o.value("subj").and_then(subject) else {
        return io.fail(1, match o.value("subj") {
            Some(bad) => format!("req: subject name is expected to be in the format /type0=value0/type1=value1/type2=... where characters may be escaped by \\. This name is not in that format: '{bad}'"),
            None => "req: name the subject: -subj /CN=NAME/O=GROUP".to_owned(),
        });
    };
    let private = match o.value("key") {
        Some(path) => {
            let text = file(io, old, path, "rsa")?;
            let Some(private) = pki::unwrap("RSA PRIVATE KEY", &text) else { return unreadable(io, old, "rsa", path) };
            private
        }
        None => {
            let pem = fresh(io)?;
            let path = o.value("keyout").unwrap_or("privkey.pem");
            let _ = io.write_file(path, pem.clone())?;
            pki::unwrap("RSA PRIVATE KEY", &pem).unwrap_or_default()
        }
    };
    let asked = CertRequest { name: common, organization, public: pki::public_of(&private) };
    put(io, &o, asked.pem())
}

/// A new private key.
fn fresh(io: &mut Io<'_>) -> Flow<String> {
    let nonce = io.random()?;
    Ok(pki::key(&format!("{nonce:016x}")))
}

fn genrsa(io: &mut Io<'_>, old: bool, args: &[Str]) -> Flow<i32> {
    let o = read(io, old, "genrsa", args, "traditional", "out")?;
    let bits = o.rest.first().map_or("2048", Str::as_str);
    if bits.parse::<u32>().is_err() {
        return io.fail(1, format!("genrsa: Can't parse \"{bits}\" as a number"));
    }
    if old {
        io.errln(format!(
            "Generating RSA private key, {bits} bit long modulus\n......+++\n...+++\ne is 65537 (0x10001)"
        ));
    }
    let key = fresh(io)?;
    put(io, &o, key)
}

fn rsa(io: &mut Io<'_>, old: bool, args: &[Str]) -> Flow<i32> {
    let o = read(io, old, "rsa", args, "pubin pubout noout text check modulus", "in out inform outform")?;
    let text = source(io, old, &o, "rsa")?;
    let private = pki::unwrap("RSA PRIVATE KEY", &text);
    let public = match (&private, o.has("pubin")) {
        (_, true) => pki::unwrap("PUBLIC KEY", &text).map(Str::from),
        (Some(private), false) => Some(pki::public_of(private)),
        (None, false) => None,
    };
    let Some(public) = public else { return unreadable(io, old, "rsa", o.value("in").unwrap_or("<stdin>")) };
    io.errln("writing RSA key");
    let der = o.value("outform").is_some_and(|f| f.eq_ignore_ascii_case("der"));
    let text = match private.filter(|_| !o.has("pubout") && !o.has("pubin")) {
        Some(_) => text.to_string(),
        None if der => public.to_string(),
        None => pki::wrap("PUBLIC KEY", public.as_bytes()),
    };
    if o.has("noout") { Ok(0) } else { put(io, &o, text) }
}

fn dgst(io: &mut Io<'_>, old: bool, sub: &str, args: &[Str]) -> Flow<i32> {
    let o = read(io, old, sub, args, "sha256 hex r", "out")?;
    let mut code = 0;
    for (file, text) in inputs(io, "dgst", &o.rest, &mut code)? {
        let sum = pki::hex(&sha256(text.as_bytes()));
        let name = if file == "-" { "stdin" } else { &file };
        let shown = match (o.has("r"), old, name) {
            (true, ..) => format!("{sum} *{name}"),
            (_, true, "stdin") => format!("(stdin)= {sum}"),
            (_, true, name) => format!("SHA256({name})= {sum}"),
            (_, false, name) => format!("SHA2-256({name})= {sum}"),
        };
        io.outln(shown);
    }
    Ok(code)
}

fn verify(io: &mut Io<'_>, old: bool, args: &[Str]) -> Flow<i32> {
    let o = read(io, old, "verify", args, "verbose", "CAfile")?;
    let Some(ca) = o.value("CAfile") else { return io.fail(1, "verify: name the authority: -CAfile FILE") };
    let authority = file(io, old, ca, "x509")?;
    let authority = Cert::parse(&authority);
    let now = io.now()?;
    let mut code = 0;
    for path in &o.rest {
        let text = file(io, old, path, "x509")?;
        let Some(cert) = Cert::parse(&text) else { return unreadable(io, old, "x509", path) };
        let subject = name(&cert.organization, &cert.name, false, false);
        let wrong = match &authority {
            Some(ca) if !cert.is_of(ca) => Some("error 20 at 0 depth lookup: unable to get local issuer certificate"),
            None => Some("error 20 at 0 depth lookup: unable to get local issuer certificate"),
            _ if cert.to <= now => Some("error 10 at 0 depth lookup: certificate has expired"),
            _ => None,
        };
        match wrong {
            None => io.outln(format!("{path}: OK")),
            Some(why) => {
                io.errln(format!("{subject}\n{why}\nerror {path}: verification failed"));
                code = 2;
            }
        }
    }
    Ok(code)
}

fn rand(io: &mut Io<'_>, old: bool, args: &[Str]) -> Flow<i32> {
    let o = read(io, old, "rand", args, "hex base64", "out")?;
    let Some(count) = o.rest.first().and_then(|n| n.parse::<usize>().ok()).filter(|n| *n <= 4096) else {
        return io.fail(1, "rand: how many bytes?");
    };
    let mut bytes = Vec::new();
    while bytes.len() < count {
        bytes.extend(io.random()?.to_be_bytes());
    }
    bytes.truncate(count);
    let text = if o.has("base64") { base64::encode(&bytes) } else { pki::hex(&bytes) };
    put(io, &o, text + "\n")
}
