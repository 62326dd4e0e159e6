//! Users: somebody outside the cluster who opens its newest Service that can be reached from there.

use crate::api::{Kind, Object, Value, meta};
use crate::machine::Role;
use crate::scene::{Lang, objects};
use crate::sim::World;

use super::Notice;

/// The command that users' browsers stand for; `None` while no Service is open to the outside.
pub fn line(world: &World) -> Option<String> {
    let open = objects(world).of_kind(Kind::SERVICE).filter_map(|s| Some((meta::created(s), url(world, s)?)));
    let (_, url) = open.max()?;
    Some(format!("curl -s -m 3 http://{url} | head -5"))
}

/// `192.168.1.11:80` of a load balancer, or a node with its node port.
fn url(world: &World, service: &Object) -> Option<String> {
    let port = service.items(&["spec", "ports"]).first()?;
    let number = |key: &str| port.get(key).and_then(Value::as_int);
    if let Some(ip) = service.items(&["status", "loadBalancer", "ingress"]).first() {
        return Some(match number("port")? {
            80 => ip.str("ip").to_owned(),
            other => format!("{}:{other}", ip.str("ip")),
        });
    }
    let open = number("nodePort").filter(|p| *p > 0)?;
    let node = world.machines().find(|m| m.role == Role::Worker && m.powered_on)?;
    Some(format!("{}:{open}", node.ip))
}

/// What is said while there is none.
pub fn closed(lang: Lang) -> Notice {
    Notice {
        title: lang.pick("Users find no open door yet", "사용자가 들어올 문이 아직 없습니다").into(),
        reason: "kubectl expose deployment web --port=80 --type=NodePort".into(),
        comfort: lang
            .pick(
                "Pods can be reached from outside only through a Service of type NodePort or LoadBalancer, or an Ingress. Make one, then press Users again.",
                "클러스터 밖에서는 NodePort나 LoadBalancer 서비스, 인그레스를 거쳐야 파드에 닿습니다. 하나 만든 뒤 사용자를 다시 눌러 보세요.",
            )
            .into(),
        error: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addons::lab;
    use crate::base::Duration;
    use crate::sim::{Config, Input, Session};

    #[test]
    fn users_visit_what_is_open_to_them() {
        let mut s = Session::new(&Config::default(), lab::ready);
        assert_eq!(line(&s.world), None);
        let mut run = |machine: &str, text: &str| {
            s.input(Input::Line { machine: machine.into(), text: text.into() });
            s.advance(s.now() + Duration::secs(20), u64::MAX);
            line(&s.world)
        };
        run("m-k8s", "kubectl create deployment web --image=nginx");
        assert_eq!(run("m-k8s", "kubectl expose deployment web --port=80"), None);
        let open = run("m-k8s", "kubectl expose deployment web --name=door --port=80 --type=NodePort").unwrap();
        assert!(open.starts_with("curl -s -m 3 http://192.168.1.101:3"), "{open}");
        run("host", &open);
        let host = s.world.machine_named("host").unwrap();
        let screen = crate::app::State::of(s, Default::default(), lab::ready);
        let shown: String = screen.terminal(host).unwrap().screen.iter().map(|c| c.text.as_str()).collect();
        assert!(shown.contains("<!DOCTYPE html>"), "{shown}");
    }
}
