/*
 * Merges into one target branch (MRG-4, MRG-5, MRG-12, MRG-14, MRG-15; faults.md T8), for spin.
 *
 * Two runners take two tasks through lease, catch-up, re-test and merge. Each may be stopped at any step and go on
 * later, or crash; an administrator breaks the glass once. What they write on the state branch is one step each here:
 * store.pml is about how.
 * A switch -DNO_... takes one guard away, and spin has to find what that guard is good for.
 */

#define TASKS 2
#define RUNNERS 2
#ifndef ATTEMPTS
#define ATTEMPTS 3 /* one more than tasks: one of them is tried again */
#endif
#ifndef REQUESTS
#define REQUESTS 2 /* on their way at one time */
#endif
#ifndef TAKEOVERS
#define TAKEOVERS 1 /* from a runner that works; from one that crashed as often as needed */
#endif
#ifndef CRASHES
#define CRASHES 1
#endif

#define GENERATIONS (ATTEMPTS + 2) /* from 1, and break-glass takes one */
#define NOBODY RUNNERS
#define NONE 255

mtype:phase = { FREE, TAKEN, CAUGHT_UP, VALIDATED, MERGING, CLOSING };
mtype:outcome = { OPEN, LANDED, UNDONE };
mtype:request = { NO_REQUEST, SENT, ACCEPTED };

/* ---- the target branch ---- */

/* It only grows, so the number of its changes names its tip. */
byte tip;

/*
 * The commit that an attempt validates is named by its task and the base below it: a branch that has the base already
 * is left as it is, so another attempt on the same base has the same commit.
 */
byte merged[TASKS]; /* a bit for each base: that commit is on the target */

/* ---- the state branch ---- */

/* The lease is on the attempt of its generation, and names what is recorded of that: task, base, and so the commit. */
byte generation;
mtype:phase phase = FREE;
byte task_of[GENERATIONS];
byte base_of[GENERATIONS];
mtype:outcome outcome[GENERATIONS] = OPEN;
bool done[TASKS];

/*
 * The runner claim. Its generation is not counted here: a runner that lost a claim cannot come by it again without
 * giving up first what it was doing under it.
 */
byte claim = NOBODY;

byte glass = NONE; /* break-glass is recorded for this tip */
byte doubt;        /* the attempt that break-glass left in doubt, by its generation; or 0 */

/* ---- on its way, and at the server ---- */

typedef Request {
    mtype:request at = NO_REQUEST;
    byte generation; /* the trailers: these two, and the commit that they name */
    byte base;
    bool other;      /* somebody pushed to the task's branch, and the server merges that instead */
    byte old         /* the tip that git named: the first parent, and what the update expects */
}

Request request[REQUESTS];

/* ---- what really happened ---- */

byte tested[GENERATIONS]; /* a bit for each base: that attempt's re-test of its commit on it was green */
byte merges[GENERATIONS]; /* by their trailers */
byte pushes;              /* to the target, past the fence */

/* ---- how much of it ---- */

bool working[RUNNERS];    /* under a claim, be it lost by now or not */
byte attempts, takeovers, crashes;
bool gone;                /* one runner does not come back */

/* Scratch, for use within one d_step: spin does not undo what is hidden when it takes a step back. */
hidden byte i;

/* What has to hold: set where it is asserted, and named for spin to print. */
hidden byte was_tested, merged_once, landed_true, undone_for_good, glass_once, all_settled;

/* ---- a runner ---- */

#ifdef NO_CLAIM
#define MINE (generation == mine && phase != FREE)
#else
#define MINE (generation == mine && claim == _pid)
#endif

/* Killed, and started again without any memory. To be stopped takes no step: the others just go on. */
#define MAY_CRASH \
    :: atomic { crashes < CRASHES -> crashes++; goto idle }

/*
 * One transaction on the state branch; a runner that lost its claim writes nothing. What it does by itself just before,
 * as to re-test, is in the same step: nobody can tell the difference.
 */
#define WRITE(to, next) \
    :: atomic { MINE -> to; goto next } \
    :: atomic { !MINE -> goto idle }

/* Whether the validated commit of an attempt is on the target. */
#define ON_TARGET(attempt, base) (merged[task_of[attempt]] & (1 << base))

/* A time for the server, in which it ends what its hook let pass. What sleeps elsewhere may come later. */
#define IN_FLIGHT(r, attempt) (r.at == ACCEPTED && r.generation == (attempt))
#ifdef NO_GRACE
#define GRACE(attempt) true
#elif REQUESTS > 2
#define GRACE(attempt) \
    !(IN_FLIGHT(request[0], attempt) || IN_FLIGHT(request[1], attempt) || IN_FLIGHT(request[2], attempt))
#else
#define GRACE(attempt) !(IN_FLIGHT(request[0], attempt) || IN_FLIGHT(request[1], attempt))
#endif

/* What is over is not read again: fewer states differ. */
inline settle(attempt, how) {
    d_step {
        if
        :: how == LANDED ->
            landed_true = (merges[attempt] == 1);
            assert(landed_true);
            done[task_of[attempt]] = true
        :: else ->
            undone_for_good = (merges[attempt] == 0);
            assert(undone_for_good)
        fi;
        outcome[attempt] = how;
        base_of[attempt] = 0;
        tested[attempt] = 0
    }
}

inline release(how) {
    settle(generation, how);
    phase = FREE;
    claim = NOBODY
}

/* The deadline of the claim has passed; whether its runner is gone or only stopped, nobody can tell. */
#ifdef NO_TAKEOVER
#define MAY_TAKE_OVER (claim == _pid)
#else
#define MAY_TAKE_OVER (!working[claim] || (claim != _pid && takeovers < TAKEOVERS))
#endif

/* A task has one attempt at a time, one that is in doubt included. */
#ifdef NO_WAIT_FOR_DOUBT
#define IN_DOUBT(task) false
#else
#define IN_DOUBT(task) (doubt && task_of[doubt] == task)
#endif
#define MAY_BEGIN(task) (phase == FREE && attempts < ATTEMPTS && !done[task] && !IN_DOUBT(task))

inline begin(task) {
    d_step {
        attempts++;
        generation++;
        task_of[generation] = task;
        phase = TAKEN;
        claim = _pid;
        working[_pid] = true;
        mine = generation
    }
}

/* Nobody waits for the answer: it may get lost, and only the target tells what landed. */
#define SEND(r, next) \
    :: d_step { r.at == NO_REQUEST && next -> r.at = SENT; r.generation = mine; r.base = base }

active [RUNNERS] proctype Runner() {
    byte mine;  /* the generation that it works on, and the claim with it */
    byte base;  /* the tip that it caught up with */
    bool found;

idle:
    atomic { working[_pid] = false; mine = 0; base = 0; found = false };
    if /* tasks and runners are alike: the first attempt is of 0 by 0 */
    :: atomic { (attempts || _pid == 0) && MAY_BEGIN(0) -> begin(0); goto catch_up }
    :: atomic { attempts && MAY_BEGIN(1) -> begin(1); goto catch_up }
    :: atomic {
        phase != FREE && MAY_TAKE_OVER ->
        takeovers = takeovers + working[claim];
        claim = _pid;
        working[_pid] = true;
        mine = generation;
        base = base_of[generation];
        if
        :: phase == TAKEN || phase == CAUGHT_UP -> base = 0; goto catch_up
        :: phase == VALIDATED -> goto record_merging
        :: phase == MERGING -> goto send
        :: phase == CLOSING -> goto grace
        fi
    }
    :: atomic { doubt && GRACE(doubt) -> goto look_in_doubt }
    :: atomic { phase == FREE && !doubt && (attempts == ATTEMPTS || (done[0] && done[1])) -> goto over }
    :: atomic { attempts && !gone -> gone = true; goto over } /* never comes back */
    fi;

catch_up:
    if
    WRITE(base = tip; base_of[mine] = base; phase = CAUGHT_UP, re_test)
    WRITE(release(UNDONE), idle) /* conflict, or too late */
    MAY_CRASH
    fi;

re_test:
    if
    WRITE(tested[mine] = tested[mine] | (1 << base); phase = VALIDATED, record_merging)
    WRITE(release(UNDONE), idle) /* red */
    MAY_CRASH
    fi;

record_merging:
    if
    WRITE(phase = MERGING, send)
    WRITE(release(UNDONE), idle)
    MAY_CRASH
    fi;

send:
    if
    SEND(request[0], true)
    SEND(request[1], request[0].at != NO_REQUEST)
#if REQUESTS > 2
    SEND(request[2], request[0].at != NO_REQUEST && request[1].at != NO_REQUEST)
#endif
    :: skip /* who had the claim before may have sent one */
    MAY_CRASH
    fi;

    /* Landed is landed, whenever it is seen. Not landed is true for good only once nothing more can land. */
    if
    :: atomic { ON_TARGET(mine, base) -> goto record_landed }
#ifdef NO_CLOSING
    :: goto grace
#elif defined(NO_LOOK_AFTER_GRACE)
    :: atomic { !ON_TARGET(mine, base) -> goto close }
#else
    :: goto close
#endif
    MAY_CRASH
    fi;

close: /* the hook lets nothing more pass: what comes after the grace must not land either */
    if
    WRITE(phase = CLOSING, grace)
    MAY_CRASH
    fi;

grace:
    if
    :: atomic { GRACE(mine) -> goto look_again }
    MAY_CRASH
    fi;

look_again:
    if
#if defined(NO_PROOF) || defined(NO_LOOK_AFTER_GRACE)
    :: goto record_undone
#else
    :: atomic { ON_TARGET(mine, base) -> goto record_landed }
    :: atomic { !ON_TARGET(mine, base) -> goto record_undone }
#endif
    MAY_CRASH
    fi;

record_landed:
    if
    WRITE(release(LANDED), idle)
    MAY_CRASH
    fi;

record_undone:
    if
    WRITE(release(UNDONE), idle)
    MAY_CRASH
    fi;

look_in_doubt: /* under no claim: who looks now finds the same as any other */
    if
#ifdef NO_PROOF
    :: found = false
#else
    :: found = (doubt && ON_TARGET(doubt, base_of[doubt]))
#endif
    MAY_CRASH
    fi;
    atomic {
        if
        :: doubt && found -> settle(doubt, LANDED); doubt = 0
        :: doubt && !found -> settle(doubt, UNDONE); doubt = 0
        :: !doubt
        fi;
        goto idle
    };

over:
    skip
}

/* ---- the server ---- */

/*
 * What the hook compares of a merge, with the lease as it is at that moment. That git named the tip earlier makes no
 * difference: the update expects it, and a target that only grows was there all the time. `other` is whether somebody
 * pushed to the task's branch, and the server merges that.
 */
#ifdef NO_FENCE /* the commit still has to be the one of the lease */
#define GENERATION_HOLDS(r) (task_of[generation] == task_of[r.generation])
#else
#define GENERATION_HOLDS(r) (generation == r.generation)
#endif
#ifdef NO_BASE_CHECK
#define BASE_HOLDS(r, old_tip) true
#else
#define BASE_HOLDS(r, old_tip) (old_tip == r.base)
#endif
#ifdef NO_COMMIT_CHECK
#define COMMIT_HOLDS(other) true
#else
#define COMMIT_HOLDS(other) (!other)
#endif
#define FENCE(r, old_tip, other) \
    (phase == MERGING && GENERATION_HOLDS(r) && base_of[generation] == r.base && BASE_HOLDS(r, old_tip) && \
    COMMIT_HOLDS(other))

#ifdef NO_TIP_IN_BREAK_GLASS
#define GLASS(old_tip) (glass != NONE)
#else
#define GLASS(old_tip) (glass == old_tip)
#endif

/* Break-glass is for what has no trailers: a late merge must not slip through with it. */
#ifdef NO_FENCE_IN_BREAK_GLASS
#define ACCEPTS(r, old_tip, other) (FENCE(r, old_tip, other) || GLASS(old_tip))
#else
#define ACCEPTS(r, old_tip, other) FENCE(r, old_tip, other)
#endif

inline forget(r) {
    r.at = NO_REQUEST;
    r.generation = 0;
    r.base = 0;
    r.other = false;
    r.old = 0
}

/* The update itself, if the tip is still what the server began with. */
inline update(r) {
    if
    :: r.old == tip ->
        undone_for_good = (outcome[r.generation] != UNDONE);
        assert(undone_for_good);
        was_tested = (!r.other && r.base == r.old && (tested[r.generation] & (1 << r.old)));
        assert(was_tested);
        merges[r.generation]++;
        merged_once = (merges[r.generation] == 1 && !merged[task_of[r.generation]]);
        assert(merged_once);
        merged[task_of[r.generation]] = merged[task_of[r.generation]] | (1 << r.base);
        tip++
    :: else
    fi;
    forget(r)
}

#define SERVE(r) \
    :: d_step { r.at == SENT && ACCEPTS(r, tip, false) -> r.at = ACCEPTED; r.old = tip } \
    :: d_step { r.at == SENT && ACCEPTS(r, tip, true) -> r.at = ACCEPTED; r.old = tip; r.other = true } \
    :: d_step { r.at == SENT -> forget(r) } /* refused, declined or lost */ \
    :: d_step { r.at == ACCEPTED -> update(r) }

active proctype Server() {
end:
    do
    SERVE(request[0])
    SERVE(request[1])
#if REQUESTS > 2
    SERVE(request[2])
#endif
    od
}

/* ---- break-glass ---- */

/*
 * The administrator names a tip that was seen at any time before. The lease is revoked whatever it was about: a merge
 * that the hook let pass may land nevertheless, so an attempt that was merging is left in doubt.
 */
active proctype Administrator() {
    byte seen;

    atomic {
        seen = tip;
        do
        :: seen > 0 -> seen--
        :: break
        od;
        d_step {
            if
#ifndef NO_DOUBT_IN_BREAK_GLASS
            :: phase == MERGING || phase == CLOSING -> doubt = generation
            :: phase != MERGING && phase != CLOSING && phase != FREE -> settle(generation, UNDONE)
#else
            :: phase != FREE -> settle(generation, UNDONE)
#endif
            :: phase == FREE
            fi;
            phase = FREE;
            claim = NOBODY;
            generation++;
            outcome[generation] = UNDONE;
            glass = seen;
            seen = 0
        }
    }
}

/* Pushes past the fence, by anybody; what the hook refuses leaves nothing behind. */
active proctype Pusher() {
    byte old;

end:
    do
    :: d_step { GLASS(tip) -> old = tip };
       d_step {
            if
            :: old == tip ->
                pushes++;
                glass_once = (pushes == 1 && old == glass);
                assert(glass_once);
                tip++
            :: else
            fi;
            old = 0
        }
    od
}

/* ---- when nothing can happen any more ---- */

active proctype End() {
    timeout ->
    d_step {
        all_settled = (phase == FREE && !doubt && (attempts == ATTEMPTS || (done[0] && done[1])));
        for (i : 1 .. generation) {
            all_settled = all_settled && outcome[i] != OPEN && (outcome[i] == LANDED) == (merges[i] == 1)
        }
        assert(all_settled)
    }
}
