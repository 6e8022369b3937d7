"""What the scripted GitHub does for each request; the words of refusals are those that people report of GitHub."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from tests.fakes.github.asked import Asked, Refusal
from tests.fakes.github.project import Comment, Issue, Pull, Run, Status
from tests.fakes.github.shapes import REPO

Answer: TypeAlias = tuple[int, Any]

_HOOK = "Could not merge because a Git pre-receive hook failed.\n\ngates.sh: failed with exit status 1\n"
_LONGEST_DESCRIPTION = 140
_NOT_MERGEABLE = "Pull Request is not mergeable"


def meta(asked: Asked) -> Answer:
    found = asked.shapes.example("GET /meta")
    found["ssh_key_fingerprints"] = {name: str(value) for name, value in found["ssh_key_fingerprints"].items()}
    return 200, found


def user(asked: Asked) -> Answer:
    if asked.app:
        raise Refusal(403, "Resource not accessible by integration")
    return 200, {**asked.shapes.example("GET /user"), "login": asked.who}


def repository(asked: Asked) -> Answer:
    return 200, asked.shapes.repository(asked.who, app=asked.app)


def list_pulls(asked: Asked) -> Answer:
    pulls = [pull for pull in asked.project.pulls.values() if asked.query.get("state", "open") in {"all", _state(pull)}]
    owner = asked.project.full_name.partition("/")[0]
    if head := asked.query.get("head"):
        pulls = [pull for pull in pulls if f"{owner}:{pull.branch}" == head]
    if base := asked.query.get("base"):
        pulls = [pull for pull in pulls if pull.target == base]
    pulls.sort(key=lambda pull: pull.number, reverse=asked.query.get("direction", "desc") == "desc")
    return 200, [asked.shapes.pull(pull, listed=True) for pull in pulls]


def open_pull(asked: Asked) -> Answer:
    asked.needs("write")
    body, project = asked.body, asked.project
    owner = project.full_name.partition("/")[0]
    for side in ("head", "base"):
        if not project.tip(body[side]):
            raise _invalid(resource="PullRequest", field=side, code="invalid")
    if any(one.open and (one.branch, one.target) == (body["head"], body["base"]) for one in project.pulls.values()):
        words = f"A pull request already exists for {owner}:{body['head']}."
        raise _invalid(resource="PullRequest", code="custom", message=words)
    if project.bare.git("rev-list", "--count", f"{body['base']}..{body['head']}") == "0":
        words = f"No commits between {body['base']} and {body['head']}"
        raise _invalid(resource="PullRequest", code="custom", message=words)
    pull = Pull(
        number=project.number(),
        branch=body["head"],
        target=body["base"],
        author=asked.who,
        title=body["title"],
        body=body.get("body", ""),
        head=project.tip(body["head"]),
    )
    project.pulls[pull.number] = pull
    return 201, asked.shapes.pull(pull)


def get_pull(asked: Asked) -> Answer:
    return 200, asked.shapes.pull(_pull(asked))


def edit_pull(asked: Asked) -> Answer:
    pull = _pull(asked)
    asked.needs("write")
    pull.title = asked.body.get("title", pull.title)
    pull.body = asked.body.get("body", pull.body)
    if "state" in asked.body and not pull.merge_commit:
        asked.project.head(pull)
        pull.open = asked.body["state"] == "open"
    return 200, asked.shapes.pull(pull)


def merge(asked: Asked) -> Answer:
    pull, project, body = _pull(asked), asked.project, asked.body
    asked.needs("write")
    if not pull.open:
        raise Refusal(405, _NOT_MERGEABLE)
    if body.get("sha", project.head(pull)) != project.head(pull):
        raise Refusal(409, "Head branch was modified. Review and try the merge again.")
    if pull.draft:
        raise Refusal(405, "Pull Request is still a draft")
    if not project.tree(pull):
        raise Refusal(405, _NOT_MERGEABLE)
    _ruled(asked, pull)
    if project.hook_words:
        raise Refusal(405, f"{_HOOK}{project.hook_words}")
    message = f"{body['commit_title']}\n\n{body['commit_message']}"
    made = project.land(pull, message, body.get("merge_method", "merge"))
    return 200, {"sha": made, "merged": True, "message": "Pull Request successfully merged"}


def list_reviews(asked: Asked) -> Answer:
    pull = _pull(asked)
    return 200, [asked.shapes.review(one) for one in asked.project.reviews if one.pull == pull.number]


def permission(asked: Asked) -> Answer:
    asked.needs("write", "Must have push access to view collaborator permission.")
    login = asked.args["username"]
    if login.endswith("[bot]") or any(one.reviewer == login and one.kind == "Bot" for one in asked.project.reviews):
        raise Refusal(404, f"{login} is not a user")
    return 200, asked.shapes.permission(login)


def list_statuses(asked: Asked) -> Answer:
    rows = [one for one in asked.project.statuses if one.commit == _commit(asked, "ref")]
    return 200, [asked.shapes.status(one) for one in reversed(rows)]


def post_status(asked: Asked) -> Answer:
    asked.needs("write")
    commit, body = _commit(asked, "sha"), asked.body
    if len(body.get("description") or "") > _LONGEST_DESCRIPTION:
        words = f"description is too long (maximum is {_LONGEST_DESCRIPTION} characters)"
        raise _invalid(resource="Status", code="custom", field="description", message=words)
    status = Status(
        id=asked.project.id(),
        commit=commit,
        context=body.get("context", "default"),
        state=body["state"],
        description=body.get("description"),
        url=body.get("target_url"),
    )
    asked.project.statuses.append(status)
    return 201, asked.shapes.status(status)


def list_checks(asked: Asked) -> Answer:
    latest = {(one.name, one.suite): one for one in asked.project.checks if one.commit == _commit(asked, "ref")}
    rows = [asked.shapes.check(one) for one in latest.values()]
    return 200, {"total_count": len(rows), "check_runs": rows}


def get_protection(asked: Asked) -> Answer:
    branch = _branch(asked)
    if branch not in asked.project.protections:
        raise Refusal(404, "Branch not protected")
    return 200, asked.shapes.protection(branch)


def put_protection(asked: Asked) -> Answer:
    checks = asked.body["required_status_checks"]
    if checks and checks.get("checks"):
        checks["contexts"] = [check["context"] for check in checks["checks"]]
    asked.project.protections[_branch(asked)] = asked.body
    return 200, asked.shapes.protection(asked.args["branch"])


def remove_protection(asked: Asked) -> Answer:
    branch = _branch(asked)
    if branch not in asked.project.protections:
        raise Refusal(404, "Branch not protected")
    del asked.project.protections[branch]
    return 204, None


def list_repository_labels(asked: Asked) -> Answer:
    return 200, [asked.shapes.repository_label(name) for name in asked.project.offered]


def make_label(asked: Asked) -> Answer:
    asked.needs("write")
    if asked.body["name"].casefold() in {name.casefold() for name in asked.project.offered}:
        raise Refusal(422, "Validation Failed")
    asked.project.offered[asked.body["name"]] = asked.body.get("description") or ""
    return 201, asked.shapes.repository_label(asked.body["name"])


def remove_repository_label(asked: Asked) -> Answer:
    asked.needs("write")
    wanted = asked.args["name"].casefold()
    found = next((name for name in asked.project.offered if name.casefold() == wanted), None)
    if found is None:
        raise Refusal(404, "Not Found")
    del asked.project.offered[found]
    every: list[Issue | Pull] = [*asked.project.issues.values(), *asked.project.pulls.values()]
    for one in every:
        one.labels[:] = [name for name in one.labels if name.casefold() != wanted]
    return 204, None


def list_rules(asked: Asked) -> Answer:
    return 200, asked.project.rules


def list_issues(asked: Asked) -> Answer:
    project, wanted = asked.project, asked.query.get("state", "open")
    labels = {name.casefold() for name in asked.query.get("labels", "").split(",") if name}
    every: list[Issue | Pull] = [*project.issues.values(), *project.pulls.values()]
    rows = [one for one in every if wanted in {"all", _state(one)}]
    rows = [one for one in rows if labels <= {name.casefold() for name in one.labels}]
    rows.sort(key=lambda one: one.number, reverse=asked.query.get("direction", "desc") == "desc")
    return 200, [_shown(asked, one) for one in rows]


def create_issue(asked: Asked) -> Answer:
    # Without the right to write, labels are dropped in silence.
    labels = asked.body.get("labels", []) if asked.project.may(asked.who, "write") else []
    body = asked.body
    issue = Issue(asked.project.number(), body["title"], body.get("body") or "", asked.who, list(labels))
    asked.project.issues[issue.number] = issue
    asked.project.label(issue.number, asked.who, *labels)
    return 201, asked.shapes.issue(issue)


def get_issue(asked: Asked) -> Answer:
    return 200, _shown(asked, _issue(asked))


def edit_issue(asked: Asked) -> Answer:
    issue = _issue(asked)
    asked.needs("write")
    issue.open = asked.body.get("state", "open") == "open"
    return 200, _shown(asked, issue)


def add_labels(asked: Asked) -> Answer:
    issue = _issue(asked)
    asked.needs("write")
    there = {name.casefold() for name in issue.labels}
    new = [name for name in asked.body["labels"] if name.casefold() not in there]
    issue.labels += new
    asked.project.label(issue.number, asked.who, *new)
    return 200, [asked.shapes.label(name) for name in issue.labels]


def remove_label(asked: Asked) -> Answer:
    issue = _issue(asked)
    asked.needs("write")
    left = [name for name in issue.labels if name.casefold() != asked.args["name"].casefold()]
    if left == issue.labels:
        raise Refusal(404, "Label does not exist")
    asked.project.label(issue.number, asked.who, *(name for name in issue.labels if name not in left), added=False)
    issue.labels[:] = left
    return 200, [asked.shapes.label(name) for name in issue.labels]


def list_events(asked: Asked) -> Answer:
    number = _issue(asked).number
    return 200, [asked.shapes.label_event(one) for one in asked.project.labelled if one.number == number]


def list_comments(asked: Asked) -> Answer:
    number = _issue(asked).number
    return 200, [asked.shapes.comment(one) for one in asked.project.comments if one.number == number]


def comment(asked: Asked) -> Answer:
    made = Comment(asked.project.id(), _issue(asked).number, asked.who, asked.body["body"])
    asked.project.comments.append(made)
    return 201, asked.shapes.comment(made)


def get_comment(asked: Asked) -> Answer:
    return 200, asked.shapes.comment(_comment(asked))


def edit_comment(asked: Asked) -> Answer:
    found = _comment(asked)
    if found.author != asked.who:
        asked.needs("write")
    found.body = asked.body["body"]
    return 200, asked.shapes.comment(found)


def delete_comment(asked: Asked) -> Answer:
    found = _comment(asked)
    if found.author != asked.who:
        asked.needs("write")
    asked.project.comments.remove(found)
    return 204, None


def dispatch(asked: Asked) -> Answer:
    asked.needs("write")
    workflow, ref, project = asked.args["workflow_id"], asked.body["ref"], asked.project
    if not project.file(project.tip("main"), f".github/workflows/{workflow}"):
        raise Refusal(404, "Not Found")
    if not project.tip(ref):
        raise Refusal(422, f"No ref found for: {ref}")
    run = Run(project.id(), workflow, "workflow_dispatch", project.tip(ref), ref)
    project.runs.append(run)
    if not asked.body.get("return_run_details"):
        return 204, None
    page = asked.shapes.run(run)
    return 200, {"workflow_run_id": run.id, "run_url": page["url"], "html_url": page["html_url"]}


def list_runs(asked: Asked) -> Answer:
    rows = asked.project.runs
    for name, field in (("head_sha", "commit"), ("branch", "branch"), ("event", "event")):
        if wanted := asked.query.get(name):
            rows = [run for run in rows if getattr(run, field) == wanted]
    return 200, {"total_count": len(rows), "workflow_runs": [asked.shapes.run(run) for run in reversed(rows)]}


def list_secrets(asked: Asked) -> Answer:
    return _secrets(asked, "")


def list_organization_secrets(asked: Asked) -> Answer:
    return _secrets(asked, "organization")


def list_environments(asked: Asked) -> Answer:
    names = [name for name in asked.project.secrets if name not in {"", "organization"}]
    return 200, {"total_count": len(names), "environments": [asked.shapes.environment(name) for name in names]}


def list_environment_secrets(asked: Asked) -> Answer:
    return _secrets(asked, asked.args["environment_name"])


def _secrets(asked: Asked, place: str) -> Answer:
    asked.needs("write")
    names = asked.project.secrets.get(place, [])
    return 200, {"total_count": len(names), "secrets": [asked.shapes.secret(name) for name in names]}


def get_run(asked: Asked) -> Answer:
    return 200, asked.shapes.run(_run(asked))


def list_jobs(asked: Asked) -> Answer:
    return 200, {"total_count": 1, "jobs": [asked.shapes.job(_run(asked))]}


def get_branch(asked: Asked) -> Answer:
    if not asked.project.tip(asked.args["branch"]):
        raise Refusal(404, "Branch not found")
    return 200, asked.shapes.branch(asked.args["branch"])


def _ruled(asked: Asked, pull: Pull) -> None:
    """Refuse what the rules of the target do not let happen yet, or at all."""
    project, rule = asked.project, asked.project.protections.get(pull.target)
    if pull.number in project.queued:
        raise Refusal(405, "Pull Request is in the merge queue")
    if any(one["type"] == "merge_queue" for one in project.rules):
        raise Refusal(405, "Repository rule violations found\n\nChanges must be made through the merge queue\n\n")
    if rule is None or (project.may(asked.who, "admin") and not rule["enforce_admins"]):
        return
    if rule["restrictions"] is not None and asked.who not in rule["restrictions"]["users"]:
        place = "https://docs.github.com/articles/about-protected-branches/"
        raise Refusal(405, f"You're not authorized to push to this branch. Visit {place} for more information.")
    checks = (rule["required_status_checks"] or {"contexts": []})["contexts"]
    if missing := [name for name in checks if name not in project.green(project.head(pull))]:
        raise Refusal(405, f'Required status check "{missing[0]}" is expected.')
    if (rule["required_status_checks"] or {}).get("strict") and not project.up_to_date(pull):
        raise Refusal(405, "Head branch is not up to date with the base branch.")
    needed = (rule["required_pull_request_reviews"] or {}).get("required_approving_review_count", 0)
    if project.approvals(pull) < needed:
        raise Refusal(405, f"At least {needed} approving review is required by reviewers with write access.")


def _shown(asked: Asked, one: Issue | Pull) -> Mapping[str, Any]:
    return asked.shapes.issue(one) if isinstance(one, Issue) else asked.shapes.pull_as_issue(one)


def _pull(asked: Asked) -> Pull:
    found = asked.project.pulls.get(int(asked.args["pull_number"]))
    if found is None:
        raise Refusal(404, "Not Found")
    return found


def _issue(asked: Asked) -> Issue | Pull:
    number = int(asked.args["issue_number"])
    found = asked.project.issues.get(number) or asked.project.pulls.get(number)
    if found is None:
        raise Refusal(404, "Not Found")
    return found


def _comment(asked: Asked) -> Comment:
    wanted = int(asked.args["comment_id"])
    found = next((one for one in asked.project.comments if one.id == wanted), None)
    if found is None:
        raise Refusal(404, "Not Found")
    return found


def _run(asked: Asked) -> Run:
    found = next((run for run in asked.project.runs if run.id == int(asked.args["run_id"])), None)
    if found is None:
        raise Refusal(404, "Not Found")
    return found


def _branch(asked: Asked) -> str:
    """The branch that a rule is for; who may not change rules does not see that there are any."""
    branch = asked.args["branch"]
    if not asked.project.may(asked.who, "admin"):
        raise Refusal(404, "Not Found")
    if not asked.project.tip(branch):
        raise Refusal(404, "Branch not found")
    return branch


def _commit(asked: Asked, name: str) -> str:
    commit = asked.args[name]
    if not asked.project.knows(commit):
        raise Refusal(422, f"No commit found for SHA: {commit}")
    return commit


def _state(one: Pull | Issue) -> str:
    return "open" if one.open else "closed"


def _invalid(**error: str) -> Refusal:
    return Refusal(422, "Validation Failed", errors=[error])


ROUTES: Mapping[tuple[str, str], Callable[[Asked], Answer]] = {
    ("GET", "/meta"): meta,
    ("GET", "/user"): user,
    ("GET", REPO): repository,
    ("GET", f"{REPO}/pulls"): list_pulls,
    ("POST", f"{REPO}/pulls"): open_pull,
    ("GET", f"{REPO}/pulls/{{pull_number}}"): get_pull,
    ("PATCH", f"{REPO}/pulls/{{pull_number}}"): edit_pull,
    ("PUT", f"{REPO}/pulls/{{pull_number}}/merge"): merge,
    ("GET", f"{REPO}/pulls/{{pull_number}}/reviews"): list_reviews,
    ("GET", f"{REPO}/collaborators/{{username}}/permission"): permission,
    ("GET", f"{REPO}/commits/{{ref}}/statuses"): list_statuses,
    ("POST", f"{REPO}/statuses/{{sha}}"): post_status,
    ("GET", f"{REPO}/commits/{{ref}}/check-runs"): list_checks,
    ("GET", f"{REPO}/branches/{{branch}}"): get_branch,
    ("GET", f"{REPO}/branches/{{branch}}/protection"): get_protection,
    ("PUT", f"{REPO}/branches/{{branch}}/protection"): put_protection,
    ("DELETE", f"{REPO}/branches/{{branch}}/protection"): remove_protection,
    ("GET", f"{REPO}/labels"): list_repository_labels,
    ("POST", f"{REPO}/labels"): make_label,
    ("DELETE", f"{REPO}/labels/{{name}}"): remove_repository_label,
    ("GET", f"{REPO}/rules/branches/{{branch}}"): list_rules,
    ("GET", f"{REPO}/issues"): list_issues,
    ("POST", f"{REPO}/issues"): create_issue,
    ("GET", f"{REPO}/issues/{{issue_number}}"): get_issue,
    ("PATCH", f"{REPO}/issues/{{issue_number}}"): edit_issue,
    ("POST", f"{REPO}/issues/{{issue_number}}/labels"): add_labels,
    ("DELETE", f"{REPO}/issues/{{issue_number}}/labels/{{name}}"): remove_label,
    ("GET", f"{REPO}/issues/{{issue_number}}/events"): list_events,
    ("GET", f"{REPO}/issues/{{issue_number}}/comments"): list_comments,
    ("POST", f"{REPO}/issues/{{issue_number}}/comments"): comment,
    ("GET", f"{REPO}/issues/comments/{{comment_id}}"): get_comment,
    ("PATCH", f"{REPO}/issues/comments/{{comment_id}}"): edit_comment,
    ("DELETE", f"{REPO}/issues/comments/{{comment_id}}"): delete_comment,
    ("POST", f"{REPO}/actions/workflows/{{workflow_id}}/dispatches"): dispatch,
    ("GET", f"{REPO}/actions/secrets"): list_secrets,
    ("GET", f"{REPO}/actions/organization-secrets"): list_organization_secrets,
    ("GET", f"{REPO}/environments"): list_environments,
    ("GET", f"{REPO}/environments/{{environment_name}}/secrets"): list_environment_secrets,
    ("GET", f"{REPO}/actions/runs"): list_runs,
    ("GET", f"{REPO}/actions/runs/{{run_id}}"): get_run,
    ("GET", f"{REPO}/actions/runs/{{run_id}}/jobs"): list_jobs,
}
