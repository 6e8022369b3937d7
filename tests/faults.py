"""What merges, jobs and sweeps survive, and the tests that inject it: `docs/reference/faults.md` is made from this."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, what happens then, and the tests that show it, as `file::test` below `tests/`."""

    what: str
    then: str
    tests: tuple[str, ...]


_PROVE, _PROOF = "functional/test_prove.py", "unit/test_proof.py"
_MERGE, _CRASH, _RACE = "functional/test_merge.py", "functional/test_merge_crash.py", "functional/test_merge_race.py"
_GATE = "e2e/test_merge_gate.py"
_FORGE, _FACTS, _WIRE = "e2e/test_forge_merge.py", "e2e/test_gitea_facts.py", "e2e/test_forge_faults.py"
_GITEA, _GITHUB = "unit/test_gitea_errors.py", "unit/test_github_errors.py"
_HTTP = "functional/test_forge_http.py"
_GREEN = "unit/test_ci_green.py"

PROOF = (
    Fault("a normal merge, a fast-forward", "landed", (f"{_PROVE}::test_a_merge_is_proven_with_its_content",)),
    Fault(
        "the rebase emptied the branch",
        "not landed: there was nothing to land",
        (f"{_PROVE}::test_a_rebase_that_emptied_the_branch_landed_nothing",),
    ),
    Fault(
        "a squash or a rebase by the forge",
        "not landed; the other commit with the same content is named",
        (f"{_PROVE}::test_another_commit_with_the_same_content_is_named",),
    ),
    Fault(
        "an evil merge: the commit is in the history, its content is not",
        "could not tell, a person decides",
        (
            f"{_PROVE}::test_a_merge_that_drops_the_content_is_seen",
            f"{_PROVE}::test_content_that_is_lost_on_the_way_is_seen",
        ),
    ),
    Fault(
        "a shallow clone, an unknown commit, a git error",
        "could not tell",
        (f"{_PROVE}::test_what_cannot_be_told_is_neither", f"{_PROVE}::test_a_broken_object_is_told_at_once"),
    ),
    Fault(
        "the branch was pushed to between a fetch and our push",
        "their push stays: the push names what it expects",
        (f"{_MERGE}::test_a_person_who_pushes_meanwhile_wins",),
    ),
)
ANSWERS = (
    Fault("200, and 200 without a word", "proven by git before it counts", (f"{_FACTS}::test_merge",)),
    Fault("201: only scheduled", "not merged", (f"{_GITEA}::test_what_a_merge_came_to",)),
    Fault("404, 423: closed, gone, archived", "a definite no", (f"{_GITEA}::test_what_a_merge_came_to",)),
    Fault(
        "405 `Please try again later`: checking, in conflict, or landed already",
        "asked again, git says what it is before each time",
        (
            f"{_FACTS}::test_merge_while_mergeability_is_checked",
            f"{_FACTS}::test_merge_of_a_conflict",
            f"{_FACTS}::test_merge_of_a_head_that_main_contains",
        ),
    ),
    Fault(
        "405: not allowed, work in progress, not ready, style not allowed",
        "a definite no, or waits; never asked again at once",
        (f"{_FACTS}::test_merge_of_what_is_not_ready", f"{_FACTS}::test_merge_into_a_protected_branch"),
    ),
    Fault(
        "409: the target moved while the server merged",
        "caught up and tested anew",
        (
            f"{_FACTS}::test_merge_while_the_base_moves",
            f"{_FORGE}::test_of_two_merges_at_once_the_later_has_another_base",
        ),
    ),
    Fault("409: the head is another one", "nothing is merged", (f"{_FACTS}::test_merge_of_a_stale_head",)),
    Fault(
        "409: a hook refused, a rule was broken meanwhile, the server's own trouble",
        "each told apart by the server's words",
        (
            f"{_FACTS}::test_merge_that_a_hook_refuses",
            f"{_FORGE}::test_a_rule_that_is_broken_while_it_merges_is_not_met_yet",
            f"{_FORGE}::test_a_servers_own_trouble_passes",
        ),
    ),
    Fault(
        "500, and a page of something in between",
        "proves nothing: git is asked",
        (
            f"{_FACTS}::test_merges_that_fail_without_a_word",
            f"{_FORGE}::test_a_page_of_something_between_decides_nothing",
        ),
    ),
    Fault("GitHub's refusals of a merge", "each its own outcome", (f"{_GITHUB}::test_what_a_refused_merge_means",)),
)
MERGES = (
    Fault(
        "1. merged into another branch, or with another head, and called merged",
        "seen before and after the request, and by git",
        (
            f"{_FORGE}::test_a_pull_request_that_goes_elsewhere_is_not_merged",
            f"{_FORGE}::test_a_pull_request_that_the_server_retargets_is_not_merged",
            f"{_HTTP.replace('http', 'writes')}::test_a_merge_counts_where_the_pull_request_says_so_too",
        ),
    ),
    Fault(
        "2. landed, and the pull request is open or closed",
        "landed: git says so",
        (
            f"{_FORGE}::test_one_that_was_closed_while_it_was_merged_is_in_the_target",
            f"{_FACTS}::test_a_push_that_contains_the_head",
        ),
    ),
    Fault(
        "3. the forge says merged, and later open",
        "what counts is the target's history",
        ("functional/test_local_forge.py::test_a_merge_that_was_not_written_down_is_known_and_mended",),
    ),
    Fault(
        "4. the answer is lost after the merge; the next one says already merged",
        "one merge, proven",
        (f"{_WIRE}::test_a_merge_is_never_called_one_that_is_not", f"{_CRASH}::test_killed_at_any_moment"),
    ),
    Fault("5. scheduled taken for merged", "held for a person", ("unit/test_merge_retry.py::*",)),
    Fault(
        "6. the target is reset later",
        "`prove` and `marker check` see it",
        (f"{_PROVE}::test_what_is_not_there_is_not_landed", f"{_MERGE}::test_a_marker_that_is_gone_holds_the_task"),
    ),
    Fault(
        "7. try again later: some times, for ever, in conflict, already landed",
        "bounded, and proven before each time",
        (f"{_FACTS}::test_merge_while_mergeability_is_checked", "unit/test_merge_retry.py::*"),
    ),
    Fault(
        "8. mergeable is unknown or stale",
        "it decides nothing",
        (
            "functional/test_forge_gitea.py::test_what_is_not_known_to_merge_is_not_called_a_conflict",
            f"{_WIRE}::test_a_pull_request_that_is_stale_is_not_merged_twice",
        ),
    ),
    Fault("9. mergeable, and refused", "the refusal counts", (f"{_FACTS}::test_merge_of_what_is_not_ready",)),
    Fault(
        "10. the target moves: before the test, before the merge, in the server",
        "another attempt on the new target; nothing untested lands",
        (
            f"{_RACE}::test_every_task_lands_once",
            f"{_FORGE}::test_of_two_merges_at_once_the_later_has_another_base",
            f"{_MERGE}::test_the_hook_compares_every_part_of_a_merge",
        ),
    ),
    Fault(
        "11. a person pushes to the task's branch",
        "they win, at no charge",
        (f"{_MERGE}::test_a_person_who_pushes_meanwhile_wins", f"{_GATE}::*"),
    ),
    Fault(
        "12. a lease after a fetch; a push that would go to the target",
        "each push names what it expects; the target is refused in any spelling",
        ("unit/test_never_main.py::*", f"{_MERGE}::test_nothing_but_a_validated_merge_changes_main"),
    ),
    Fault(
        "13. two runners, an expired lease with its holder alive, a runner killed between two steps",
        "one merge for one validation; the old generation is fenced off",
        (
            f"{_RACE}::test_every_task_lands_once",
            f"{_RACE}::test_killed_runners_are_followed_by_others",
            f"{_RACE}::test_a_runner_that_wakes_up_before_its_effect_is_too_late",
            f"{_RACE}::test_a_stopped_runner_that_wakes_up_is_fenced_off",
            f"{_CRASH}::test_killed_at_any_moment",
            "functional/test_model.py::*",
        ),
    ),
    Fault(
        "14. put off and begun again without end",
        "defers are counted on the state branch, and end with a person",
        ("unit/test_decide.py::*",),
    ),
    Fault(
        "15. skipped, neutral, cancelled, none, too few, unknown, pending, on page 2, of an old head",
        "never green",
        (
            f"{_GREEN}::test_one_that_ended_otherwise_is_red",
            f"{_GREEN}::test_what_is_not_there_yet_is_nobodys_fault",
            f"{_GREEN}::test_red_outweighs_what_is_missing_or_pending",
            f"{_HTTP}::test_a_list_is_read_to_its_end",
        ),
    ),
    Fault(
        "16. an approval of another commit",
        "does not count, but for the commit that ours caught up",
        ("unit/test_review_approved.py::test_too_few_approvals_are_nobodys_fault", "unit/test_merge_gates.py::*"),
    ),
    Fault(
        "17. events that are lost, doubled, late",
        "no event is needed: state and git are read anew each time",
        (f"{_WIRE}::test_a_request_that_is_delivered_twice", f"{_MERGE}::test_running_it_again_changes_nothing"),
    ),
    Fault(
        "18. a run is evicted, or the schedule misses it",
        "the attempt waits on the state branch; whoever comes next goes on",
        (f"{_CRASH}::test_killed_at_any_moment",),
    ),
    Fault(
        "19. an evil merge, a silent revert",
        "the proof compares trees, the markers are looked for",
        (
            f"{_PROVE}::test_a_merge_that_drops_the_content_is_seen",
            f"{_MERGE}::test_a_marker_that_is_gone_holds_the_task",
        ),
    ),
    Fault(
        "20. two green halves, red together",
        "the second one goes back",
        (f"{_MERGE}::test_two_green_branches_that_are_red_together",),
    ),
    Fault("21. half of a batch lands", "there are no batches: one task, one merge", (f"{_MERGE}::test_a_task_lands",)),
    Fault(
        "22. the wrong base of a diff",
        "the base is the commit that was tested with, recorded",
        (f"{_MERGE}::test_the_hook_compares_every_part_of_a_merge",),
    ),
    Fault(
        "23. empty after the rebase, landed already, submodules, LFS, unrelated histories",
        "each a defined outcome",
        ("functional/test_catch_up.py::*", f"{_PROVE}::test_what_changes_nothing_at_the_base_landed_nothing"),
    ),
    Fault(
        "24. rules, permissions, archived, a hook, the token, limits of requests",
        "told apart; what may pass is asked again, the rest is a person's",
        (
            "e2e/test_forge_gitea.py::test_what_a_token_may_not_do_is_named",
            "e2e/test_forge_gitea.py::test_what_an_archived_repository_answers",
            f"{_HTTP}::test_a_forge_that_is_busy_is_asked_again",
            f"{_GITHUB}::test_the_hours_limit",
        ),
    ),
    Fault(
        "25. shallow clones, unknown commits, other languages, full disks, slow networks",
        "could not tell, within bounds",
        (
            f"{_PROVE}::test_what_cannot_be_told_is_neither",
            f"{_PROVE}::test_without_room_to_compare_in_nothing_is_told",
            f"{_HTTP}::test_a_trickle_is_not_waited_out",
            "functional/test_store_faults.py::test_a_full_disk_is_named_and_nothing_is_half_done",
        ),
    ),
    Fault(
        "26. the state is corrupt, or edited by hand; the list of markers is missing or empty",
        "refused or set apart; an empty list is said",
        (
            "functional/test_store_faults.py::test_one_corrupt_document_among_a_thousand_stops_none_of_the_others",
            f"{_MERGE}::test_a_marker_that_is_gone_holds_the_task",
        ),
    ),
)


_JOBS, _SWEEP, _TICK = "functional/test_sweep_jobs.py", "functional/test_sweep.py", "unit/test_tick.py"
_CI, _DUTIES, _REAPER = "functional/test_sweep_ci.py", "functional/test_sweep_duties.py", "unit/test_reaper.py"

SWEEPS = (
    Fault(
        "a job is killed, with all that it started",
        "failed at the second tick that sees it dead, and started again",
        (
            f"{_JOBS}::test_a_job_that_is_killed_fails_at_the_second_tick",
            f"{_DUTIES}::test_a_job_that_died_is_started_again",
        ),
    ),
    Fault(
        "only the wrapper is killed, its command works on",
        "it lives",
        (f"{_JOBS}::test_a_killed_wrapper_whose_command_works_on_is_no_dead_job",),
    ),
    Fault(
        "a command ends, and nobody records it",
        "ended with its exit code; the gate decides about the task",
        (f"{_JOBS}::test_an_exit_that_nobody_recorded_ends_it_and_the_gate_decides",),
    ),
    Fault(
        "another machine's process, a container's, one of before a restart, a number that was given again",
        "unknown, unknown, dead, dead",
        (
            f"{_JOBS}::test_whose_process_can_be_looked_for",
            f"{_JOBS}::test_a_number_that_was_given_again_is_not_taken_for_the_process",
        ),
    ),
    Fault(
        "a CI run is cancelled, or completed while a job of it waits; the forge does not answer",
        "job by job; no answer is neither life nor death",
        (
            f"{_CI}::test_a_job_ends_as_its_job_of_the_ci_run_does",
            f"{_CI}::test_no_answer_is_neither_life_nor_death",
        ),
    ),
    Fault(
        "a reaper races a retry",
        "only the attempt that was seen running is ended",
        (
            f"{_JOBS}::test_a_retry_that_a_reaper_races_stays_alive",
            f"{_REAPER}::test_a_flip_is_about_the_attempt_that_was_seen",
        ),
    ),
    Fault(
        "an event is lost: a report, a status, a label",
        "the next tick finds what it said",
        (
            f"{_SWEEP}::test_a_task_whose_event_was_lost_moves_at_the_next_tick",
            f"{_SWEEP}::test_a_green_status_that_nobody_told_of_is_found",
            "functional/test_sweep_queue.py::test_a_labelled_pull_request_lands_by_ticks",
        ),
    ),
    Fault(
        "an escalated task whose gates are green",
        "never touched",
        (f"{_SWEEP}::test_what_waits_for_a_person_is_never_touched",),
    ),
    Fault(
        "ten ticks at once; one that is killed at any call; one that loses its race",
        "the work of one; made up for; decided again from the same look",
        (
            f"{_SWEEP}::test_ten_at_once_do_the_work_of_one",
            "functional/test_sweep_crash.py::test_a_tick_that_is_killed_at_any_call_is_made_up_for",
            f"{_TICK}::test_a_lost_race_is_decided_again_from_the_same_look",
        ),
    ),
    Fault(
        "one corrupt document, one gate that cannot be asked, one unit that breaks",
        "told, and the others go on",
        (
            f"{_SWEEP}::test_one_broken_document_stops_nobody",
            f"{_SWEEP}::test_a_gate_that_could_not_be_asked_touches_nothing_and_stops_nobody",
            f"{_TICK}::test_a_duty_that_breaks_stops_no_other_and_no_unit",
        ),
    ),
    Fault(
        "nothing changes",
        "nothing is written, from whatever state",
        (
            f"{_SWEEP}::test_a_second_tick_commits_nothing",
            f"{_TICK}::test_from_any_state_ticks_come_to_rest",
        ),
    ),
    Fault(
        "a schedule that is late, or dead",
        "the next tick and `status` say so",
        (f"{_SWEEP}::test_a_tick_says_that_it_is_late", "unit/test_lag.py::*"),
    ),
)


def every() -> Iterator[Fault]:
    """All of them."""
    yield from (*PROOF, *ANSWERS, *MERGES, *SWEEPS)
