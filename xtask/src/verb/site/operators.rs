//! Operators' access point names (APN), from Debian's mobile-broadband-provider-info.

use std::fs;

use dialbox::site::closest;
use roxmltree::{Document, Node, ParsingOptions};

use super::draft::Draft;
use crate::{
    context::BuildContext,
    error::{Context, Error, Result},
    manifest::LockedManifest,
    task, unpack,
};

const FILE: &str = "usr/share/mobile-broadband-provider-info/serviceproviders.xml";

/// The settings of an operator for a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    name: String,
    chosen: AccessPoint,
    /// Its other access points.
    others: Vec<AccessPoint>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct AccessPoint {
    apn: String,
    /// Name and password; the password may be empty.
    account: Option<(String, String)>,
    /// The operator's name for it.
    plan: Option<String>,
}

impl Operator {
    /// Looks an operator up. The package is pinned in `image/packages.lock` and is fetched if necessary.
    pub fn find(ctx: &BuildContext, country: &str, operator: Option<&str>) -> Result<Self> {
        let locked = LockedManifest::load(ctx)?;
        let _alone = task::lock_cache(ctx)?;
        let database = unpack::tool(ctx, &locked, locked.manifest.tool("operators")?)?.dir()?.join(FILE);
        let text = fs::read_to_string(&database).context(|| format!("cannot read {}", database.display()))?;
        Self::find_in(&text, country, operator)
    }

    fn find_in(xml: &str, country: &str, operator: Option<&str>) -> Result<Self> {
        let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
        let document = Document::parse_with_options(xml, options)
            .context(|| "cannot read the database of operators".into())?;
        let root = document.root_element();
        let Some(country) = children(root, "country")
            .find(|it| it.attribute("code").is_some_and(|code| code.eq_ignore_ascii_case(country)))
        else {
            return Err(Error::new(format!("no operators are known for the country {country:?}"))
                .hint("write its code of two letters, as in --country fr"));
        };
        // CDMA networks have no access point and are left out.
        let operators: Vec<Node> =
            children(country, "provider").filter(|it| access_points(*it).next().is_some()).collect();
        let named = |wanted: &str| {
            let is_it = |name: &str| name.trim().eq_ignore_ascii_case(wanted.trim());
            operators.iter().copied().find(|it| names(*it).any(is_it))
        };
        let Some(found) = operator.and_then(named) else {
            let mut known: Vec<&str> = operators.iter().filter_map(|it| names(*it).next()).collect();
            known.sort_unstable();
            return Err(unknown(operator, &known));
        };
        let (internet, others): (Vec<_>, Vec<_>) = access_points(found).partition(|it| is_for_internet(*it));
        let mut points = internet.into_iter().chain(others).filter_map(AccessPoint::read);
        let chosen = points.next().ok_or_else(|| Error::new("this operator has no access point"))?;
        let name = names(found).next().unwrap_or_default().to_owned();
        Ok(Self { name, chosen, others: points.collect() })
    }

    /// Fills in a draft; returns the alternatives.
    pub fn fill(self, draft: &mut Draft) -> Vec<String> {
        let AccessPoint { apn, account, .. } = &self.chosen;
        draft.set("operator", "name", file_name(&self.name));
        draft.set("operator", "apn", apn.clone());
        draft.unset("operator", "user");
        draft.unset("operator", "password");
        if let Some((user, password)) = account {
            draft.set("operator", "password", password.clone());
            draft.set("operator", "user", user.clone());
        }
        let described = |it: &AccessPoint| match &it.plan {
            Some(plan) => format!("{} ({plan})", it.apn),
            None => it.apn.clone(),
        };
        let chosen = format!("{} has the access point {}", self.name, described(&self.chosen));
        if self.others.is_empty() {
            return vec![chosen];
        }
        let others: Vec<String> = self.others.iter().map(described).collect();
        vec![chosen, format!("it has others, too: {}", others.join(", "))]
    }
}

impl AccessPoint {
    fn read(node: Node) -> Option<Self> {
        let apn = node.attribute("value").map(str::trim).filter(|apn| !apn.is_empty())?;
        let text = |tag| children(node, tag).find_map(|it| it.text()).map(|it| it.trim().to_owned());
        let user = text("username").filter(|user| !user.is_empty());
        Some(Self {
            apn: apn.to_owned(),
            account: user.map(|user| (user, text("password").unwrap_or_default())),
            plan: text("name"),
        })
    }
}

fn unknown(wanted: Option<&str>, known: &[&str]) -> Error {
    let what = match wanted {
        Some(wanted) => format!("no operator {wanted:?} is known there"),
        None => "which operator?".to_owned(),
    };
    let error = known.iter().fold(Error::new(what), |error, name| error.fact(name));
    match wanted.and_then(|wanted| closest(wanted, known.iter().copied())) {
        Some(meant) => error.hint(format!("--operator {meant:?}")),
        None => error.hint("give one of these with --operator"),
    }
}

fn children<'a, 'input: 'a>(
    node: Node<'a, 'input>,
    tag: &'static str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children().filter(move |it| it.has_tag_name(tag))
}

fn names<'a>(provider: Node<'a, '_>) -> impl Iterator<Item = &'a str> {
    provider.children().filter(|it| it.has_tag_name("name")).filter_map(|it| it.text())
}

fn access_points<'a, 'input: 'a>(provider: Node<'a, 'input>) -> impl Iterator<Item = Node<'a, 'input>> {
    children(provider, "gsm").flat_map(|gsm| children(gsm, "apn"))
}

/// Whether it is for the Internet, not for picture messages or the operator's portal; one without a usage is.
fn is_for_internet(apn: Node) -> bool {
    children(apn, "usage").all(|it| it.attribute("type") == Some("internet"))
}

/// A valid name for a provider file: `Free Mobile` becomes `free-mobile`.
fn file_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { ' ' };
    let plain: String = name.chars().map(plain).collect();
    let joined = plain.split_whitespace().collect::<Vec<_>>().join("-");
    let short = joined.get(..joined.len().min(32)).unwrap_or_default().trim_end_matches('-');
    if short.is_empty() { "operator".to_owned() } else { short.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verb::site::new::DIALER;
    use dialbox::site::{Role, Site};

    /// In the format of the real file.
    const DATABASE: &str = r#"<?xml version="1.0"?>
<!DOCTYPE serviceproviders SYSTEM "serviceproviders.2.dtd">
<serviceproviders format="2.0">
<country code="fr">
  <provider><name>Free Mobile</name><name xml:lang="xx">Libre</name>
    <gsm><network-id mcc="208" mnc="15"/>
      <apn value="mmsfree"><usage type="mms"/><name>MMS</name></apn>
      <apn value="free"><plan type="postpaid"/><usage type="internet"/></apn>
    </gsm></provider>
  <provider><name>Télé &amp; Co.</name>
    <gsm><apn value="net.example"><username>u</username><password/></apn></gsm></provider>
  <provider><name>Old CDMA</name><cdma/></provider>
</country>
</serviceproviders>"#;

    fn filled(operator: &str) -> (Site, Vec<String>) {
        let mut draft = Draft::from_example(DIALER);
        let found =
            Operator::find_in(DATABASE, "FR", Some(operator)).unwrap_or_else(|error| panic!("{error}"));
        let notes = found.fill(&mut draft);
        (Site::parse(&draft.text()).unwrap_or_else(|error| panic!("{error}")), notes)
    }

    #[test]
    fn an_operator_is_found_by_any_of_its_names_and_fills_in_the_site() {
        for name in ["Free Mobile", "free mobile ", "libre"] {
            let (site, notes) = filled(name);
            let Role::Dialer(dialer) = &site.role else { panic!() };
            let operator = &dialer.operator;
            assert_eq!((operator.name.as_str(), operator.apn.as_str()), ("free-mobile", "free"));
            assert_eq!(operator.account, None);
            let said = ["Free Mobile has the access point free", "it has others, too: mmsfree (MMS)"];
            assert_eq!(notes, said);
        }
        let (site, _) = filled("Télé & Co.");
        let Role::Dialer(dialer) = &site.role else { panic!() };
        assert_eq!(dialer.operator.name.as_str(), "t-l-co");
        assert_eq!(dialer.operator.account.as_ref().unwrap().name.as_str(), "u");
    }

    #[test]
    fn without_a_match_the_known_names_are_listed() {
        let said = |operator| Operator::find_in(DATABASE, "fr", operator).unwrap_err().to_string();
        assert_eq!(
            said(None),
            "error: which operator?\n  Free Mobile\n  Télé & Co.\n  next: give one of these with --operator"
        );
        assert!(
            said(Some("Fre Mobile")).ends_with("next: --operator \"Free Mobile\""),
            "{}",
            said(Some("Fre Mobile"))
        );
        let error = Operator::find_in(DATABASE, "zz", None).unwrap_err().to_string();
        assert!(error.contains("no operators are known for the country \"zz\""), "{error}");
    }

    #[test]
    fn any_operator_name_gives_a_valid_file_name() {
        for (name, file) in [
            ("3", "3"),
            ("Мегафон", "operator"),
            ("A ".repeat(30).as_str(), "a-a-a-a-a-a-a-a-a-a-a-a-a-a-a-a"),
        ] {
            assert_eq!(file_name(name), file);
            file.parse::<dialbox::site::ProviderName>().unwrap();
        }
    }
}
