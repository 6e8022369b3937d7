/*
 * The state store's transaction (ST-2, ST-3, ST-4) and the attempt guard of jobs (REAP-2), for spin.
 *
 * Two writers add one to a counter each, while somebody may spoil the branch once and a person restores it.
 * With -DJOBS the writers are a late worker, a reaper and a retry instead, and nobody spoils the branch.
 * A switch -DNO_... takes one guard away, and spin has to find what that guard is good for.
 */

#ifdef JOBS
#define WRITERS 3
#else
#define WRITERS 2
#endif
#ifndef TURNS
#define TURNS 2
#endif

/* Commits have names of their own, as hashed ones do; each turn of a writer makes at most one. */
#define NONE 0
#define COMMIT(writer, turn) (1 + (writer) * TURNS + (turn))
#define WRITER(commit) (((commit) - 1) / TURNS)
#define ROOT (1 + WRITERS * TURNS)
#define ALIEN (ROOT + 1)
#define JOINED (ROOT + 2)
#define COMMITS (ROOT + 3)

mtype:answer = { UNMADE, SENT, LANDED, LOST };

/*
 * Outcomes by what they say about the write: WRITTEN is Committed; NOT_WRITTEN is NothingToDo, Exhausted,
 * Unreachable and Denied; OPEN is Unknown, Missing and Rewound, and a crash, which says nothing.
 */
mtype:outcome = { BUSY, WRITTEN, NOT_WRITTEN, OPEN };

byte branch = ROOT;
byte witness = ROOT;
mtype:answer answer[COMMITS] = UNMADE; /* what the server made of a push; its writer may never hear it */
mtype:outcome outcome[WRITERS] = BUSY;
byte parent[COMMITS]; /* and the lease on the branch */
byte lease[COMMITS];  /* the lease on the witness */
byte generation[COMMITS];
bool harmed; /* somebody spoiled the branch */
bool mended; /* it was restored, or is left alone for good */

bool yes;    /* the answer of the inlines below; false between the steps */

/* Scratch, for use within one d_step: spin does not undo what is hidden when it takes a step back. */
hidden byte at, count, found, i;

/* What has to hold: set where it is asserted, and named for spin to print. */
hidden byte nothing_lost, counter_right, generation_rises, written_once, outcome_true, alarm_true;
hidden byte one_end, own_attempt, everyone_answered;

/* yes = `commit` is `tip` or before it */
inline descends(tip, commit) {
    d_step {
        at = tip;
        do
        :: at != NONE && at != commit -> at = parent[at]
        :: else -> break
        od;
        yes = (at == commit)
    }
}

/* count = the pushes that landed; found = those of them in the history of `tip` */
inline count_landed(tip) {
    count = 0;
    found = 0;
    for (i : 1 .. ROOT - 1) {
        count = count + (answer[i] == LANDED)
    }
    at = tip;
    do
    :: at != NONE ->
        found = found + (at < ROOT);
        at = parent[at]
    :: else -> break
    od
}

/* count = the pushes of one writer that landed */
inline count_own(writer) {
    count = 0;
    for (i : 0 .. TURNS - 1) {
        count = count + (answer[COMMIT(writer, i)] == LANDED)
    }
}

/* A commit that nobody will read again looks like any other: fewer states differ. */
inline forget(commit) {
    parent[commit] = NONE;
    lease[commit] = NONE;
    generation[commit] = 0;
    forget_content(commit)
}

/* ---- what is decided, and what is in a commit ---- */

#ifdef JOBS

#define RUNNING 0
#define FAILED 1
#define SUCCEEDED 2

#define WORKER 0 /* of attempt 0; late, so that somebody may think it dead */
#define REAPER 1 /* thinks dead what it saw running */
#define RETRY 2  /* begins attempt 1 once attempt 0 has failed */

byte attempt[COMMITS];
byte status[COMMITS];
byte ended[2];
byte named[WRITERS]; /* the attempt that a writer means to end */

#ifdef NO_ATTEMPT_GUARD
#define MAY_END(writer, tip) (status[tip] == RUNNING)
#elif defined(NO_RUNNING_GUARD)
#define MAY_END(writer, tip) (attempt[tip] == named[writer])
#else
#define MAY_END(writer, tip) (status[tip] == RUNNING && attempt[tip] == named[writer])
#endif

/* yes = there is something to write on `tip` */
inline decide(writer, tip, commit) {
    yes = (writer == RETRY -> status[tip] == FAILED && attempt[tip] == 0 : MAY_END(writer, tip));
    if
    :: yes ->
        attempt[commit] = attempt[tip] + (writer == RETRY);
        status[commit] = (writer == RETRY -> RUNNING : (writer == REAPER -> FAILED : SUCCEEDED))
    :: else
    fi
}

inline check_content(commit, before) {
    if
    :: status[before] == RUNNING ->
        own_attempt = (attempt[before] == named[WRITER(commit)] && attempt[commit] == attempt[before]);
        assert(own_attempt);
        ended[attempt[before]]++;
        one_end = (status[commit] != RUNNING && ended[attempt[before]] == 1);
        assert(one_end)
    :: else ->
        one_end = (status[before] == FAILED && attempt[commit] == attempt[before] + 1);
        assert(one_end)
    fi
}

inline forget_content(commit) {
    attempt[commit] = 0;
    status[commit] = RUNNING
}

#else

byte total[COMMITS];

inline decide(writer, tip, commit) {
    yes = true;
#ifdef NO_NEW_DECISION
    value = (value -> value : total[tip] + 1);
    total[commit] = value
#else
    total[commit] = total[tip] + 1
#endif
}

/* After count_landed. */
inline check_content(commit, before) {
    counter_right = (total[commit] == count);
    assert(counter_right)
}

inline forget_content(commit) {
    total[commit] = 0
}

#endif

/* ---- one transaction ---- */

/* Whether a commit on the branch is this one of ours: by the random op id in it (ST-3). */
#ifdef NO_NONCE
#define IS(commit, ours) (answer[ours] != UNMADE && parent[ours] != NONE && parent[commit] == parent[ours])
#else
#define IS(commit, ours) ((commit) == (ours))
#endif

/* yes = a push of ours is in the history of `tip`, whatever was heard of it */
inline look_for_own(tip) {
    d_step {
        yes = false;
#ifndef NO_OP_CHECK
        at = tip;
        do
        :: at != NONE ->
            for (i : 0 .. TURNS - 1) {
                yes = yes || IS(at, COMMIT(_pid, i))
            }
            at = parent[at]
        :: else -> break
        od
#endif
    }
}

/* Without its answer, a push may land as long as the branch is where it was made upon. */
inline drop_settled(tip) {
    d_step {
#ifdef NO_DOUBT
        unheard = 0;
#endif
        for (i : 0 .. TURNS - 1) {
            if
            :: parent[COMMIT(_pid, i)] != tip ->
                unheard = unheard & ~(1 << i);
                if
                :: answer[COMMIT(_pid, i)] == LOST -> forget(COMMIT(_pid, i))
                :: else
                fi
            :: else
            fi
        }
    }
}

/* A push between reading one ref and the other looks like a loss, but not twice the same. */
#ifdef NO_SECOND_LOOK
#define SURE true
#else
#define SURE (tip == tip_before && mark == mark_before)
#endif

#define MINE COMMIT(_pid, turn)

/* What a writer does by itself takes no time: nobody can tell when it was done before it is sent. */
active [WRITERS] proctype Writer() {
    byte tip, mark;               /* branch and witness as read */
    byte tip_before, mark_before; /* the same, of the look before, if that found a loss */
    byte turn;
    byte unheard;                 /* a bit for each push without an answer that may be, or get, on the branch */
    bool last;
#ifdef NO_NEW_DECISION
    byte value;
#endif

#ifdef JOBS
    named[_pid] = (_pid == REAPER -> attempt[branch] : 0);
#endif

look:
    if
#ifdef JOBS
    :: atomic { tip = branch; goto both_read }
#else
    :: tip = branch /* the two refs are not read at one moment */
#endif
#ifdef NO_DEADLINE
    :: goto look /* the remote does not answer */
#else
    :: atomic { last || !unheard -> goto late } /* the remote does not answer until time is up */
#endif
    :: goto crash
    fi;
    atomic {
        skip;
both_read:
        mark = witness;
#ifdef NO_WITNESS
        yes = (tip != NONE);
#else
        descends(tip, mark);
#endif
        if
        :: !yes && (tip == NONE || SURE) ->
            alarm_true = harmed;
            assert(alarm_true);
            outcome[_pid] = OPEN;
            goto over
        :: !yes && !(tip == NONE || SURE) ->
            tip_before = tip;
            mark_before = mark;
            tip = NONE;
            mark = NONE;
            yes = false;
            goto look
        :: else
        fi;
        tip_before = NONE;
        mark_before = NONE;
        look_for_own(tip);
        if
        :: yes -> outcome[_pid] = WRITTEN; goto over
        :: else
        fi;
        drop_settled(tip);
        if
        :: last -> goto late
        :: else
        fi;

        decide(_pid, tip, MINE);
        if
        :: !yes -> outcome[_pid] = NOT_WRITTEN; goto over
        :: else
        fi;
        parent[MINE] = tip;
        lease[MINE] = mark;
        generation[MINE] = generation[tip] + 1;
        answer[MINE] = SENT;
        tip = NONE;
        mark = NONE;
        yes = false
    };
    if
    :: atomic { answer[MINE] == LANDED -> outcome[_pid] = WRITTEN; goto over }
    :: atomic { answer[MINE] == LOST -> forget(MINE); goto again }
    :: atomic { answer[MINE] == LOST -> goto late } /* refused: not tried again */
    :: atomic { unheard = unheard | (1 << turn); goto again }
    :: goto crash
    fi;

again:
    atomic {
        turn++;
        if
        :: turn < TURNS -> goto look
        :: unheard -> last = true; goto look /* time is up: only to find out what became of it */
        :: !unheard -> goto late
        fi;

late:
        outcome[_pid] = (unheard -> OPEN : NOT_WRITTEN);
        goto over;

crash:
        outcome[_pid] = OPEN;

over:
        yes = false;
        d_step {
            count_own(_pid);
            outcome_true = (outcome[_pid] == WRITTEN -> count == 1 : outcome[_pid] == OPEN || count == 0);
            assert(outcome_true);
            for (i : 0 .. TURNS - 1) {
                if
                :: answer[COMMIT(_pid, i)] == LOST -> forget(COMMIT(_pid, i))
                :: else
                fi
            }
            tip = NONE; mark = NONE; tip_before = NONE; mark_before = NONE;
            turn = 0; unheard = 0; last = false
        }
    }
}

/* ---- the server: takes a push whenever it gets to it, be its writer still there or not ---- */

#ifdef NO_CAS
#define HOLDS(commit) true
#elif defined(NO_WITNESS) || defined(NO_WITNESS_LEASE)
#define HOLDS(commit) (branch == parent[commit])
#else
#define HOLDS(commit) (branch == parent[commit] && witness == lease[commit])
#endif

#define ARRIVES(commit) answer[commit] == SENT -> next = commit

inline take(commit) {
    d_step {
        answer[commit] = LANDED;
        count_landed(commit);
        nothing_lost = (count == found);
        assert(nothing_lost);
        check_content(commit, parent[commit]);
        generation_rises = (generation[commit] > generation[branch] && generation[commit] > generation[witness]);
        assert(generation_rises);
        count_own(WRITER(commit));
        written_once = (count == 1);
        assert(written_once);
        outcome_true = (outcome[WRITER(commit)] != NOT_WRITTEN);
        assert(outcome_true);
        lease[commit] = NONE;
        branch = commit;
        witness = commit
    }
}

active proctype Server() {
    byte next;

end:
    do
    :: atomic {
        if
        :: ARRIVES(1)
        :: ARRIVES(2)
        :: ARRIVES(3)
        :: ARRIVES(4)
#if WRITERS * TURNS > 4
        :: ARRIVES(5)
        :: ARRIVES(6)
#endif
#if WRITERS * TURNS > 6
        :: ARRIVES(7)
        :: ARRIVES(8)
        :: ARRIVES(9)
#endif
        fi;
        if
        :: HOLDS(next) -> take(next)
        :: answer[next] = LOST /* the lease, a hook or anything else that made it refuse */
        fi;
        if
        :: answer[next] == LOST && outcome[WRITER(next)] != BUSY -> forget(next)
        :: else
        fi;
        next = NONE
    }
    od
}

#ifndef JOBS

/* ---- somebody who may force the branch, once; the witness is out of reach ---- */

active proctype Spoiler() {
    byte to;

    if
    :: mended = true
    :: d_step { branch = NONE; harmed = true }
    :: d_step { branch = ALIEN; generation[ALIEN] = 100; harmed = true }
    :: atomic {
        parent[branch] != NONE -> to = parent[branch];
        do
        :: parent[to] != NONE -> to = parent[to]
        :: break
        od;
        branch = to;
        harmed = true;
        to = NONE
    }
    fi
}

/* ---- `orch-gates state restore`; one step, as nothing moves while the branch does not follow its witness ---- */

active proctype Person() {
    if
    :: mended
    :: atomic {
        harmed -> descends(branch, witness);
        if
        :: yes
        :: else -> descends(witness, branch);
            if
            :: yes -> branch = witness /* wiped or rewound */
            :: else -> d_step {
                parent[JOINED] = witness;
                generation[JOINED] = generation[branch] + 1;
                total[JOINED] = total[witness];
                branch = JOINED;
                witness = JOINED
            }
            fi
        fi;
        yes = false;
        mended = true
    }
    fi
}

#endif

/* ---- when nothing can happen any more ---- */

active proctype End() {
    timeout ->
    d_step {
        everyone_answered = true;
        for (i : 0 .. WRITERS - 1) {
            everyone_answered = everyone_answered && outcome[i] != BUSY
        }
        assert(everyone_answered);
        count_landed(branch);
        nothing_lost = (count == found);
        assert(nothing_lost);
#ifndef JOBS
        count = 0;
        for (i : 1 .. ROOT - 1) {
            count = count + (answer[i] == LANDED && outcome[WRITER(i)] == OPEN)
        }
        for (i : 0 .. WRITERS - 1) {
            count = count + (outcome[i] == WRITTEN)
        }
        counter_right = (total[branch] == count);
        assert(counter_right)
#endif
    }
}
