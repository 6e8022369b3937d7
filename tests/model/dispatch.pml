/*
 * The dispatch of one piece of work (JOB-1), for spin: two ticks that may be killed at any step, a forge that may lose
 * the answer to a start, start late, or cancel a run that waits; and at the end one tick that nobody kills.
 *
 * A switch -DNO_... takes one guard away, and spin has to find what that guard is good for.
 */

#define TICKS 2
#define ROUNDS 2
#define MOST_RUNS 9
#ifndef MOST_TROUBLES
#define MOST_TROUBLES 2
#endif
#define ATTEMPTS 4
#define LAST_ROUNDS (2 * MOST_TROUBLES + 1) /* each trouble can undo one, and one more is not undone */

mtype:status = { NONE, QUEUED, RUNNING, DONE };

/* The job as it is on the state branch; `version` is what a compare-and-swap compares. */
mtype:status status = NONE;
byte attempt;      /* 1 for the first */
byte tries;
bool sent;
byte started_run;  /* the run that the confirmation names; 0 where it names none */
byte version;

/* What the forge has: runs that wait, by the attempt they were started for; evicted ones are known to be over. */
byte run_of[MOST_RUNS + 1];
bool evicted[MOST_RUNS + 1];
byte runs;
byte next; /* the last run that came to its turn */
bool idle = true; /* what became of that one is known */

byte ran[ATTEMPTS + 1]; /* how often the work of an attempt ran */
byte attempts;          /* how many attempts were ever recorded */
byte busy = TICKS;
byte lost;    /* starts that never arrived */
byte evictions;

hidden byte ran_once, one_attempt, work_done;

#ifdef NO_CAS
#define LANDS(seen) (1)
#else
#define LANDS(seen) (version == (seen))
#endif

/* The forge is asked to start a run for `which`; `got` is the run that it answers, 0 where the answer is lost. */
inline start(which, got) {
    atomic {
        got = 0;
        if
        :: runs < MOST_RUNS ->
            runs++;
            run_of[runs] = which;
            if
            :: got = runs
            :: true /* the answer is lost */
            fi
        :: lost < MOST_TROUBLES -> lost++
        fi
    }
}

/* One round of a tick: plan and commit, start, confirm. `fair`: nobody kills it. */
inline round(fair) {
    atomic {
        seen = version;
        saw = status;
        mine = attempt;
        key = tries;
        goes = 0;
        if
        :: saw == NONE -> goes = 1
#ifndef NO_AGAIN
        :: saw == QUEUED && !sent -> goes = 2
#endif
#ifndef NO_AGAIN_AFTER_EVICTION
        :: saw == QUEUED && sent && (started_run == 0 || evicted[started_run]) -> goes = 2
#endif
        :: else
        fi
    }
    if
    :: goes && !fair -> goto killed
    :: goes ->
        atomic {
            if
            :: LANDS(seen) ->
                version++;
                if
                :: goes == 1 ->
                    attempts++;
                    one_attempt = (attempts == 1);
                    assert(one_attempt);
                    attempt = attempts;
                    mine = attempts;
                    status = QUEUED;
                    tries = 1
                :: else -> tries++
                fi;
                sent = false;
                started_run = 0;
                key = tries
            :: else -> goes = 0
            fi
        }
    :: else
    fi;
    if
    :: goes && !fair -> goto killed
    :: goes -> start(mine, got_run)
    :: else
    fi;
    if
    :: goes && got_run && !fair -> goto killed
    :: goes && got_run ->
        atomic {
            if
            :: status == QUEUED && attempt == mine && tries == key ->
                version++;
                sent = true;
                started_run = got_run
            :: else
            fi
        }
    :: else
    fi;
    atomic { seen = 0; mine = 0; key = 0; got_run = 0; goes = 0; saw = NONE }
}

active [TICKS] proctype tick() {
    byte seen, mine, key, got_run, goes, turn;
    mtype:status saw = NONE;
    do
    :: turn < ROUNDS ->
        turn++;
        round(false)
    :: break
    od;
killed:
    busy--
}

/* A run begins its job, is cancelled while it waits, or finds that it is not its turn. */
active proctype forge() {
    byte mine;
    do
    :: atomic { next < runs -> next++; mine = run_of[next]; idle = false };
        if
        :: atomic { evictions < MOST_TROUBLES && status == QUEUED -> evictions++; evicted[next] = true; idle = true }
        :: atomic {
#ifdef NO_BEGIN_GUARD
            attempt == mine ->
#else
            status == QUEUED && attempt == mine ->
#endif
            version++;
            status = RUNNING;
            ran[mine]++;
            ran_once = (ran[mine] == 1);
            assert(ran_once)
           };
           atomic { version++; status = DONE; idle = true }
        :: atomic { !(status == QUEUED && attempt == mine) -> evicted[next] = true; idle = true }
        fi
    :: atomic { busy == 0 && next == runs && status == DONE -> break }
    od
}

/* The tick that nobody kills, again and again: sooner or later one start is neither lost nor evicted. */
active proctype last() {
    byte seen, mine, key, got_run, goes, turn;
    mtype:status saw;
    busy == 0;
    do
    ::  status == DONE -> break
    :: atomic { status != RUNNING && status != DONE && idle && next == runs && turn < LAST_ROUNDS -> turn++ };
        round(true)
    :: status != RUNNING && status != DONE && idle && next == runs && turn == LAST_ROUNDS -> break
    od;
killed:
    work_done = (status == DONE);
    assert(work_done)
}
