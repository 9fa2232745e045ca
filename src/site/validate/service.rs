//! `[[service]]`, and `services` of a `[[user]]`.

use super::{check_distinct, check_host, fixed, not_empty, problem};
use crate::site::error::{Checked, Problem, unknown};
use crate::site::{Lan, Offer, Offers, Service, ServiceProtocol, raw};
use toml::Spanned;

/// What the rest of the site has to do with it.
pub(super) struct Context<'a> {
    pub lines: &'a [Spanned<raw::Line>],
    pub has_idle_limit: bool,
    pub lan: Option<&'a Lan>,
}

pub(super) fn services(
    raw: Vec<Spanned<raw::Service>>,
    users: &[raw::User],
    context: &Context<'_>,
) -> Checked<(Vec<Service>, Offers)> {
    let raw: Vec<raw::Service> = raw.into_iter().map(Spanned::into_inner).collect();
    check_distinct("service", raw.iter().map(|service| &service.name))?;
    for raw::Service { address, .. } in &raw {
        if let Some(own) = fixed(context.lan) {
            check_host(address.get_ref().address(), own, "the server", address.span())?;
        }
    }
    let mut offers = Vec::new();
    for user in users {
        let Some(listed) = &user.services else { continue };
        not_empty(listed, "this user could log in to nothing", "name a service, or write [\"ppp\"]")?;
        check_distinct("service", listed.get_ref())?;
        for offer in listed.get_ref() {
            check(offer, &raw, context)?;
        }
        let listed: Vec<Offer> = listed.get_ref().iter().map(|offer| offer.get_ref().clone()).collect();
        if listed != [Offer::Ppp] {
            offers.push((user.name.get_ref().clone(), listed));
        }
    }
    let offers = Offers(offers);
    if let Some(unused) = raw.iter().find(|service| !is_offered(service, &offers)) {
        return problem(
            "no user has this service: nobody could reach it",
            format!("write services = [{:?}] below a [[user]]", unused.name.get_ref().as_str()),
            unused.name.span(),
        );
    }
    let services = raw.into_iter().map(|raw::Service { name, address, protocol }| Service {
        name: name.into_inner(),
        address: address.into_inner(),
        protocol: protocol.unwrap_or(ServiceProtocol::Telnet),
    });
    Ok((services.collect(), offers))
}

fn is_offered(service: &raw::Service, offers: &Offers) -> bool {
    let name = service.name.get_ref();
    offers.listed().iter().any(|(_, offers)| offers.iter().any(|offer| offer.is_service(name)))
}

/// All but PPP begins at the login prompt: only there the caller says who it is (RFC 1055 §3: SLIP has no way to).
fn check(offer: &Spanned<Offer>, services: &[raw::Service], context: &Context<'_>) -> Checked<()> {
    if let Offer::Service(name) = offer.get_ref()
        && !services.iter().any(|service| service.name.get_ref() == name)
    {
        let own = ["ppp", "slip", "cslip"];
        let known = services.iter().map(|service| service.name.get_ref().as_str()).chain(own);
        let known: Vec<&str> = known.collect();
        return Err(Problem::from_value(unknown("service", name.as_str(), &known), offer.span()));
    }
    let has_prompt = context.lines.iter().any(|line| line.get_ref().login == Some(true));
    if *offer.get_ref() != Offer::Ppp && !has_prompt {
        let why = match offer.get_ref() {
            Offer::Slip | Offer::CompressedSlip => "SLIP knows no PAP: without a login prompt nobody gets it",
            Offer::Ppp | Offer::Service(_) => "without a login prompt nobody gets it",
        };
        return problem(why, "write login = true below a [[line]]", offer.span());
    }
    if offer.get_ref().is_slip() && !context.has_idle_limit {
        return problem(
            "SLIP does not notice that a caller is gone: the line could stay occupied for ever",
            "write idle-limit = \"15m\" below [dial-in]",
            offer.span(),
        );
    }
    Ok(())
}
