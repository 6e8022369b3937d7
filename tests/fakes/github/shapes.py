"""What the scripted GitHub shows of a project: GitHub's own examples, with the project's values in them."""

from __future__ import annotations

from typing import Any, TypeAlias

from tests.fakes.github.description import Description
from tests.fakes.github.project import (
    CheckRun,
    Comment,
    Issue,
    LabelEvent,
    Project,
    Pull,
    Review,
    Run,
    Status,
)

Document: TypeAlias = dict[str, Any]
REPO = "/repos/{owner}/{repo}"


class Shapes:
    """The documents of one project."""

    def __init__(self, description: Description, project: Project, url: str) -> None:
        self._description, self._project, self._url = description, project, url

    def example(self, operation: str, status: int = 200) -> Any:
        """GitHub's example of an answer to `METHOD /path`."""
        method, _, template = operation.partition(" ")
        return self._description.operation(method, template).example(status)

    def user(self, login: str, kind: str = "User") -> Document:
        found: Document = self.example(f"GET {REPO}/commits/{{ref}}/statuses")[0]["creator"]
        number = sorted(self._project.rights).index(login) + 1 if login in self._project.rights else 99
        return {**found, "login": login, "id": number, "type": kind}

    def repository(self, login: str, *, app: bool = False) -> Document:
        """Of an app GitHub says that it may do nothing, whatever it may."""
        found, project = self.example(f"GET {REPO}"), self._project
        right = "nothing" if app else project.rights.get(login, "read")
        found["permissions"] = {"admin": right == "admin", "push": right in {"admin", "write"}, "pull": not app}
        # The example is older than the description.
        for one in (found, found["source"], found["parent"], found["template_repository"]):
            one.setdefault("language", None)
        changed = {"default_branch": "main", "archived": project.archived, "private": project.private}
        changed |= {"mirror_url": None, "allow_merge_commit": True, "delete_branch_on_merge": project.deletes_branches}
        return {**found, **changed, "name": project.full_name.partition("/")[2], "full_name": project.full_name}

    def pull(self, pull: Pull, *, listed: bool = False) -> Document:
        found = self.example(f"GET {REPO}/pulls")[0] if listed else self.example(f"GET {REPO}/pulls/{{pull_number}}")
        merged = bool(pull.merge_commit)
        found |= {
            "number": pull.number,
            "id": pull.number,
            "title": pull.title,
            "body": pull.body or None,
            "state": "open" if pull.open else "closed",
            "draft": pull.draft,
            "user": self.user(pull.author),
            "html_url": f"{self._url}/{self._project.full_name}/pull/{pull.number}",
            "closed_at": None if pull.open else found["closed_at"],
            "merged_at": found["merged_at"] if merged else None,
            # Of an open one it is a merge that was tried.
            "merge_commit_sha": pull.merge_commit or "e5bd3914e2e596debea16f433f57875b5b90bcd6",
            "requested_teams": [],
            "labels": [{**self.label(name), "description": ""} for name in pull.labels],
        }
        repository = self._project.full_name
        for side, branch, commit in (
            ("head", pull.branch, self._project.head(pull)),
            ("base", pull.target, self._project.tip(pull.target)),
        ):
            found[side] |= {"ref": branch, "sha": commit, "label": f"{repository.partition('/')[0]}:{branch}"}
            found[side]["repo"]["full_name"] = repository
        if pull.fork:
            found["head"]["repo"]["id"] += 1
        if not listed:
            mergeable = self._project.mergeable(pull)
            state = "unknown" if mergeable is None else "clean" if mergeable else "dirty"
            found |= {"merged": merged, "mergeable": mergeable, "mergeable_state": state}
        return dict(found)

    def status(self, status: Status) -> Document:
        found = self.example(f"GET {REPO}/commits/{{ref}}/statuses")[0]
        return {
            **found,
            "id": status.id,
            "context": status.context,
            "state": status.state,
            "description": status.description,
            "target_url": status.url,
        }

    def check(self, check: CheckRun) -> Document:
        found = self.example(f"GET {REPO}/commits/{{ref}}/check-runs")["check_runs"][0]
        found["output"]["title"] = check.title
        found["check_suite"]["id"] = check.suite
        found["app"]["slug"] = check.app
        return {
            **found,
            "id": check.id,
            "head_sha": check.commit,
            "name": check.name,
            "status": check.status,
            "conclusion": check.conclusion,
        }

    def review(self, review: Review) -> Document:
        found = self.example(f"GET {REPO}/pulls/{{pull_number}}/reviews")[0]
        who = self.user(review.reviewer, review.kind)
        return {**found, "id": review.id, "user": who, "state": review.state, "commit_id": review.commit}

    def permission(self, login: str) -> Document:
        found = self.example(f"GET {REPO}/collaborators/{{username}}/permission")
        right = self._project.rights.get(login, "read")
        who = {**found["user"], "login": login, "role_name": right}
        return {"permission": right, "role_name": right, "user": who}

    def issue(self, issue: Issue) -> Document:
        found = self.example(f"GET {REPO}/issues")[0]
        del found["pull_request"]
        return {**found, **self._said(issue, "issues")}

    def pull_as_issue(self, pull: Pull) -> Document:
        """Every pull request is an issue as well."""
        return {**self.example(f"GET {REPO}/issues")[0], **self._said(pull, "pull")}

    def comment(self, comment: Comment) -> Document:
        found = self.example(f"GET {REPO}/issues/{{issue_number}}/comments")[0]
        place = f"{self._url}/api/v3/repos/{self._project.full_name}/issues/{comment.number}"
        return {
            **found,
            "id": comment.id,
            "user": self.user(comment.author) if comment.author else None,
            "body": comment.body,
            "issue_url": place,
        }

    def label_event(self, event: LabelEvent) -> Document:
        found = self.example(f"GET {REPO}/issues/{{issue_number}}/events")[0]
        return {
            **found,
            "id": event.id,
            "event": "labeled" if event.added else "unlabeled",
            "actor": self.user(event.actor) if event.actor else None,
            "label": {"name": event.label, "color": "ededed"},
        }

    def label(self, name: str) -> Document:
        return {**self.example(f"POST {REPO}/issues/{{issue_number}}/labels")[0], "name": name, "description": None}

    def run(self, run: Run) -> Document:
        found = self.example(f"GET {REPO}/actions/runs/{{run_id}}")
        return {
            **found,
            "id": run.id,
            "event": run.event,
            "head_sha": run.commit,
            "head_branch": run.branch,
            "path": f".github/workflows/{run.workflow}",
            "workflow_id": len(run.workflow),
            "check_suite_id": run.suite,
            "status": run.status,
            "conclusion": run.conclusion,
            "html_url": f"{self._url}/{self._project.full_name}/actions/runs/{run.id}",
        }

    def job(self, run: Run) -> Document:
        found = self.example(f"GET {REPO}/actions/runs/{{run_id}}/jobs")["jobs"][0]
        changed = {"id": run.id + 1, "run_id": run.id, "name": "gates", "steps": []}
        ended = {"status": run.status, "conclusion": run.conclusion, "completed_at": None}
        return {**found, **changed, **ended, "created_at": found["started_at"]}

    def branch(self, name: str) -> Document:
        """A branch as GitHub shows it; what its commit says beyond its id is an example's."""
        found = self.example(f"GET {REPO}/branches/{{branch}}")
        return {**found, "name": name, "commit": {**found["commit"], "sha": self._project.tip(name)}}

    def repository_label(self, name: str) -> Document:
        """A label that the repository offers."""
        return {**self.label(name), "description": self._project.offered[name] or None}

    def secret(self, name: str) -> Document:
        """What is told of a secret, wherever it is kept."""
        return {**self.example(f"GET {REPO}/actions/secrets")["secrets"][0], "name": name}

    def environment(self, name: str) -> Document:
        """An environment that jobs may name."""
        return {**self.example(f"GET {REPO}/environments")["environments"][0], "name": name}

    def protection(self, branch: str) -> Document:
        """The rule as GitHub shows it, made of what was put."""
        put, found = self._project.protections[branch], self.example(f"PUT {REPO}/branches/{{branch}}/protection")
        switches = ("required_linear_history", "required_conversation_resolution", "lock_branch", "block_creations")
        for name in (*switches, "allow_fork_syncing", "allow_force_pushes", "allow_deletions"):
            found[name] = {"enabled": bool(put.get(name))}
        found["enforce_admins"]["enabled"] = bool(put["enforce_admins"])
        if (checks := put["required_status_checks"]) is None:
            del found["required_status_checks"]
        else:
            apps = {one["context"]: one["app_id"] for one in checks.get("checks", ()) if one["app_id"] > 0}
            contexts = [{"context": name, "app_id": apps.get(name)} for name in checks["contexts"]]
            found["required_status_checks"] |= {**checks, "checks": contexts}
        if (reviews := put["required_pull_request_reviews"]) is None:
            del found["required_pull_request_reviews"]
        else:
            found["required_pull_request_reviews"] |= {
                **dict.fromkeys(("dismiss_stale_reviews", "require_code_owner_reviews"), False),
                "require_last_push_approval": False,
                **{name: value for name, value in reviews.items() if not isinstance(value, dict)},
            }
            self._name(found["required_pull_request_reviews"], "dismissal_restrictions", reviews)
        self._name(found, "restrictions", put)
        return dict(found)

    def _name(self, shown: Document, name: str, put: Document) -> None:
        """Show people, teams and apps that were put by name; without any, GitHub leaves the field out."""
        if (names := put.get(name)) is None:
            del shown[name]
            return
        examples = self.example(f"GET {REPO}/branches/{{branch}}/protection")["restrictions"]
        team, app = examples["teams"][0], examples["apps"][0]
        shown[name] |= {
            "users": [self.user(login) for login in names.get("users", ())],
            "teams": [{**team, "slug": slug, "type": "organization"} for slug in names.get("teams", ())],
            "apps": [{**app, "slug": slug, "owner": self.user("orchard")} for slug in names.get("apps", ())],
        }

    def _said(self, one: Issue | Pull, kind: str) -> Document:
        return {
            "number": one.number,
            "id": one.number,
            "title": one.title,
            "body": one.body or None,
            "state": "open" if one.open else "closed",
            "user": self.user(one.author),
            "html_url": f"{self._url}/{self._project.full_name}/{kind}/{one.number}",
            "labels": [self.label(name) for name in one.labels],
        }
