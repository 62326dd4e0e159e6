//! Defaults of the workload kinds.

use super::super::{Map, Profile, Value};
use super::edit::Edit;
use super::pod::{creation_null, template};

fn workload(o: &mut Edit, profile: Profile, f: impl FnOnce(&mut Edit)) {
    o.with("spec", |spec| {
        f(spec);
        spec.with("template", |t| template(t, profile));
    });
    o.with("status", |_| {});
}

/// What the spec's template carries as labels.
fn template_labels(o: &Edit) -> Option<Value> {
    let labels = o.get("spec")?.at(&["template", "metadata", "labels"])?;
    labels.as_map().filter(|l| !l.is_empty()).map(|_| labels.clone())
}

fn labels_from_template(o: &mut Edit) {
    if let Some(labels) = template_labels(o) {
        o.with("metadata", |m| m.or("labels", labels));
    }
}

pub(super) fn replication_controller(o: &mut Edit, profile: Profile) {
    let labels = template_labels(o);
    labels_from_template(o);
    workload(o, profile, |spec| {
        spec.or("replicas", 1);
        if let Some(labels) = labels {
            spec.or("selector", labels);
        }
    });
    replicas_status(o);
}

pub(super) fn deployment(o: &mut Edit, profile: Profile) {
    workload(o, profile, |spec| {
        spec.or("replicas", 1);
        spec.or("revisionHistoryLimit", 10);
        spec.or("progressDeadlineSeconds", 600);
        spec.with("strategy", |s| {
            s.or_text("type", "RollingUpdate");
            if s.str("type") == "RollingUpdate" {
                s.with("rollingUpdate", |r| {
                    r.or("maxUnavailable", "25%");
                    r.or("maxSurge", "25%");
                });
            }
        });
    });
}

pub(super) fn replica_set(o: &mut Edit, profile: Profile) {
    workload(o, profile, |spec| spec.or("replicas", 1));
    replicas_status(o);
}

/// `status.replicas` has no omitempty.
fn replicas_status(o: &mut Edit) {
    o.with("status", |s| s.or("replicas", 0));
}

pub(super) fn daemon_set(o: &mut Edit, profile: Profile) {
    workload(o, profile, |spec| {
        spec.or("revisionHistoryLimit", 10);
        spec.with("updateStrategy", |s| {
            s.or_text("type", "RollingUpdate");
            if s.str("type") == "RollingUpdate" {
                s.with("rollingUpdate", |r| {
                    r.or("maxUnavailable", 1);
                    if profile == Profile::Modern {
                        r.or("maxSurge", 0);
                    }
                });
            }
        });
    });
    o.with("status", |s| {
        for key in ["currentNumberScheduled", "desiredNumberScheduled", "numberMisscheduled", "numberReady"] {
            s.or(key, 0);
        }
    });
}

pub(super) fn stateful_set(o: &mut Edit, profile: Profile) {
    let modern = profile == Profile::Modern;
    workload(o, profile, |spec| {
        spec.or_text("podManagementPolicy", "OrderedReady");
        spec.or("replicas", 1);
        spec.or("revisionHistoryLimit", 10);
        if modern {
            spec.with("persistentVolumeClaimRetentionPolicy", |p| {
                p.or_text("whenDeleted", "Retain");
                p.or_text("whenScaled", "Retain");
            });
        } else {
            spec.or("serviceName", "");
        }
        spec.with("updateStrategy", |s| {
            s.or_text("type", "RollingUpdate");
            if s.str("type") == "RollingUpdate" {
                s.with("rollingUpdate", |r| r.or("partition", 0));
            }
        });
        spec.items("volumeClaimTemplates", |c| {
            c.or("apiVersion", "v1");
            c.or("kind", "PersistentVolumeClaim");
            if !modern {
                c.with("metadata", creation_null);
            }
            c.with("spec", |s| {
                s.or_text("volumeMode", "Filesystem");
                s.or("resources", Map::new());
            });
            c.with("status", |s| s.or_text("phase", "Pending"));
        });
    });
    o.with("status", |s| {
        s.or("replicas", 0);
        if modern {
            s.or("availableReplicas", 0);
        }
    });
}

fn job_spec(spec: &mut Edit, profile: Profile) {
    let single = !spec.has("completions") && !spec.has("parallelism");
    if single {
        spec.set("completions", 1);
    }
    spec.or("parallelism", 1);
    spec.or("backoffLimit", 6);
    if profile == Profile::Modern {
        spec.or("completionMode", "NonIndexed");
        spec.or("suspend", false);
        let replace = if spec.has("podFailurePolicy") { "Failed" } else { "TerminatingOrFailed" };
        spec.or("podReplacementPolicy", replace);
    }
}

pub(super) fn job(o: &mut Edit, profile: Profile) {
    labels_from_template(o);
    workload(o, profile, |spec| job_spec(spec, profile));
}

pub(super) fn cron_job(o: &mut Edit, profile: Profile) {
    o.with("spec", |spec| {
        spec.or_text("concurrencyPolicy", "Allow");
        spec.or("suspend", false);
        spec.or("successfulJobsHistoryLimit", 3);
        spec.or("failedJobsHistoryLimit", 1);
        spec.with("jobTemplate", |j| {
            j.with("metadata", |m| {
                if profile == Profile::Book {
                    creation_null(m);
                }
            });
            // The job's own defaults wait until it is created; its pod's are filled in now.
            j.with("spec", |s| s.with("template", |t| template(t, profile)));
        });
    });
    o.with("status", |_| {});
}
