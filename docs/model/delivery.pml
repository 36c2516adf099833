/*
 * The protocol by which one alert is delivered: claim, outcome, sweep, block and probe, redrive, escalation.
 *
 * What one atomic { } or d_step { } holds is one read or one commit of Firestore; between two of them anything may
 * happen, a crash included. The names in [brackets] are the functions of shared/domain that decide the same; README.md
 * says what corresponds to what, and what is left out. -DBUG_... plants a mistake that the check must find.
 */

#ifndef CRASHES
#define CRASHES 1   /* of a worker or of the sweep, at any point between two commits */
#endif
#ifndef LOSSES
#define LOSSES 1    /* tasks that vanish from their queue: purged, deleted, or never created */
#endif
#ifndef COPIES
#define COPIES 1    /* tasks that are delivered once more */
#endif
#ifndef STALLS
#define STALLS 1    /* leases that run out while their holder still runs */
#endif
#ifndef FAULTS
#define FAULTS 2    /* attempts that fail, or whose answer is not seen */
#endif
#ifndef REDRIVES
#define REDRIVES 1  /* by a person, of an alert that failed */
#endif
#ifndef BLOCKS
#define BLOCKS 1    /* times that the destination breaks so that a person has to repair it */
#endif

#define REFUSALS 2  /* attempts that meet it, probes among them */
#define QUICK 1     /* QUICK_ATTEMPTS and DEAD_LETTER_MAX_ATTEMPTS: small, so that an alert fails within the bounds */
#define ATTEMPTS 2
#define REPEATS 1   /* REPEATS_OF_UNKNOWN of a destination that cannot tell repeats */
#define GENERATIONS 16

mtype = { queued, sending, parked, delivered, failed };
mtype = { fine, unseen, retry, rejected, refused };

/* The alert's document. `read[p]` says that it still is as process p read or wrote it: update_time and nonce. */
mtype state = queued;
bool read[5];
byte generation = 1, epoch = 1, attempts = 0, unknowns = 0;
bool withheld = false;
bool receipt[3];           /* of an epoch: its outcome was refused, and it had been delivered */

/* The lease by Firestore's time, and who has it: a worker's number and one, 0 for nobody that runs. */
bool live = false;
byte holder = 0;

/* The destination's document. */
bool blocked = false, probing = false;

/* Escalations, made in the commit that fails the alert, one an epoch. */
bool made[3], told[3];

/* Cloud Tasks: how many deliveries of the task of a generation are due or under way; and whether the name of
   the present generation was used, which it can be once. */
byte due[GENERATIONS], underway[GENERATIONS];
bool named = false;
byte pending = 0;          /* the sum of due */

/* The world. */
bool broken = false;
byte crashes = 0, losses = 0, copies = 0, stalls = 0, faults = 0, redrives = 0, blocks = 0, refusals = 0;

/* What only the properties look at. */
byte shown = 0;            /* copies that the destination shows */
bool plain = false;        /* one of them is explained by neither window */
bool begun[GENERATIONS];   /* an attempt was begun by the task of this generation, of which there is still one */

#define WAITING (state == queued || state == sending || state == parked)
#define SPENT (attempts >= ATTEMPTS)

/* ---- steps of the document, each used inside one commit ---------------------------------------------------------- */

inline wrote() { read[0] = false; read[1] = false; read[2] = false; read[3] = false; read[4] = false }

inline task(job) {          /* Steps.hurry: create the named task; that it exists already is success */
    if
    :: !named -> named = true; due[job]++; pending++
    :: else -> skip
    fi
}

inline next_generation() {
#ifndef BUG_SAME_GENERATION
    assert(generation < GENERATIONS - 1);              /* the numbers are enough */
    generation++; named = false
#else
    skip
#endif
}

inline queue_again() {     /* [delivery.queued_at] */
    state = queued; withheld = false; next_generation(); wrote()
}

inline fail() {            /* [delivery._give_up], [escalation.calls_for], Steps.plan: one commit */
    state = failed; withheld = false;
#ifndef BUG_FAILS_SILENTLY
    made[epoch] = true;
#endif
    wrote()
}

inline repeat() {          /* [delivery._repeat] */
    if
    :: SPENT -> fail()
    :: !SPENT && attempts < QUICK && unknowns < REPEATS -> queue_again()
    :: !SPENT && !(attempts < QUICK && unknowns < REPEATS) -> state = parked; wrote()
    fi
}

inline unknown() {         /* [delivery.settle] with Unknown, and [delivery.expire] */
    unknowns++;
    if
    :: unknowns > REPEATS -> fail()
    :: else -> repeat()
    fi
}

inline settle(outcome, probe) { /* [delivery.settle] and, of the destination, [destination.judge], one commit */
    live = false; holder = 0;
    if
    :: outcome == fine -> state = delivered; wrote(); blocked = (probe -> false : blocked)
    :: outcome == unseen ->
#ifndef BUG_UNKNOWN_IS_DELIVERED
        unknown();
#else
        state = delivered; wrote();
#endif
        blocked = (probe -> false : blocked)            /* [destination.resume] */
    :: outcome == retry -> repeat(); blocked = (probe -> false : blocked)
    :: outcome == rejected -> fail()                    /* [destination.release_probe] */
    :: outcome == refused -> attempts--; state = parked; withheld = true; blocked = true; wrote()
    fi;
    probing = (probe -> false : probing)
}

/* ---- deliver_alert ------------------------------------------------------------------------------------------------ */

inline take(job) { due[job]--; pending--; underway[job]++ }
inline idle() { read[_pid] = false; since = 0; got = 0; sent = false; saw = false; probe = false }
inline task_again(job) { idle(); underway[job]--; due[job]++; pending++ }   /* answered with 5xx, or not at all: it comes again */
inline task_done(job) {
    idle();
    underway[job]--;
    begun[job] = (due[job] + underway[job] > 0 -> begun[job] : false);
    job = 0
}

inline crash(job) {         /* SIGKILL; the same for a commit that was applied and whose answer was lost */
    d_step {
        crashes++;
        if
        :: holder == _pid + 1 -> holder = 0; plain = (sent && live && saw -> false : plain)
        :: else -> skip
        fi;
        task_again(job); job = 0
    }
}

inline send() {            /* the destination's answer; a copy beyond the first must be explained */
    if
    :: broken && refusals < REFUSALS -> refusals++; got = refused   /* or it waits, until it is repaired */
    :: !broken -> got = fine
    :: !broken && faults < FAULTS -> faults++; got = unseen
    :: !broken && faults < FAULTS -> faults++; got = unseen; sent = true
    :: !broken && faults < FAULTS -> faults++; got = retry
    :: !broken && faults < FAULTS -> faults++; got = rejected
    fi;
    sent = (got == fine -> true : sent);
    if
    :: sent ->
        /* Duplicates only in two windows: an earlier copy whose answer was not seen, or a holder stalled past its lease. */
        assert(!plain || !(live && read[_pid]));
        shown++;
        plain = (live && read[_pid] && got == fine -> true : plain)
    :: else -> skip
    fi
}

active [2] proctype worker() {
    byte job = 0;           /* the generation of the task in hand, 0 for none */
    byte since = 0;
    mtype got = 0;
    bool sent = false, saw = false, probe = false;

end:
    do
    /* The task that was made first or last comes: late ones, copies of old ones, new ones before old ones. */
    :: atomic { job == 0 && pending > 0 -> job = 1;
        do
        :: due[job] > 0 -> break
        :: else -> job++
        od;
        take(job) }
    :: atomic { job == 0 && pending > 0 -> job = GENERATIONS - 1;
        do
        :: due[job] > 0 -> break
        :: else -> job--
        od;
        take(job) }
    :: job != 0 ->

       /* AlertStore.read, then [delivery.claim]; the commit comes later and is conditional on what was read. */
       read[_pid] = true;

       atomic {
        if
        :: !read[_pid] -> task_again(job); job = 0; goto end              /* Conflict: LeaseLive, 5xx */
        :: read[_pid] ->
            if
#ifndef BUG_NO_STATE_CHECK
            :: !WAITING || state == parked -> task_done(job); goto end       /* Ignored */
#endif
#ifndef BUG_NO_GENERATION
            :: WAITING && state != parked && job != generation -> task_done(job); goto end
            :: (state == queued || state == sending) && job == generation ->
#else
            :: state == queued || state == sending ->
#endif
                if
#ifndef BUG_NO_LEASE
                :: state == sending && live && !receipt[epoch] -> task_again(job); job = 0; goto end  /* Busy */
#endif
                :: receipt[epoch] -> state = delivered; live = false; holder = 0; wrote(); task_done(job); goto end
                :: !receipt[epoch] && state == sending && !live ->
                    holder = 0; unknown(); goto moved
                :: !receipt[epoch] && state == queued && SPENT -> fail(); goto moved
                :: !receipt[epoch] && state == queued && !SPENT && blocked && probing ->
                    state = parked; withheld = true; wrote(); task_done(job); goto end   /* [delivery._withhold] */
                :: !receipt[epoch] && state == queued && !SPENT && !(blocked && probing) -> goto claimed
#ifdef BUG_NO_LEASE
                :: !receipt[epoch] && state == sending && live -> goto claimed
#endif
                fi
#ifdef BUG_NO_STATE_CHECK
            :: state == delivered && job == generation -> goto claimed
            :: state != delivered && (!WAITING || state == parked) -> task_done(job); goto end
#endif
            fi
        fi;

    claimed:               /* [delivery._held], [destination.lease_probe] */
        /* Never two live holders. */
        assert(!(state == sending && live));
        probe = blocked; probing = (blocked -> true : probing);
        state = sending; live = true; holder = _pid + 1; attempts++; wrote(); read[_pid] = true; since = epoch;
        /* A generation fences old tasks: no task begins two attempts. */
        assert(!begun[job]);
        begun[job] = true;
        goto held;

    moved:                 /* Steps.write: the commit above, and the next task in a step of its own */
        skip
       };
       if
       :: atomic { crashes < CRASHES -> crash(job); goto end }
       :: d_step { state == queued && !named -> task(generation); task_done(job) }
       :: d_step { !(state == queued && !named) -> task_done(job) }
       fi;
       goto end;

    held:
#ifdef BUG_SAVES_FIRST
       atomic {
        if
        :: read[_pid] -> state = delivered; live = false; holder = 0; wrote(); read[_pid] = true
        :: else -> skip
        fi
       };
#endif
       if
       :: atomic { crashes < CRASHES -> crash(job); goto end }
       :: atomic { send(); saw = (got == fine) }
       fi;
#ifdef BUG_SENDS_TWICE
       atomic { send(); saw = (got == fine) };
#endif
       if
       :: atomic { crashes < CRASHES -> crash(job); goto end }
       :: atomic {            /* AlertDelivery._save */
        if
#ifndef BUG_NO_FENCE
        :: read[_pid] ->
#else
        :: true ->
#endif
            /* A stale outcome is refused: only who holds the lease's own version saves. */
            assert(read[_pid]);
            plain = (got == unseen -> plain : (sent -> true : plain));
            settle(got, probe)
        :: !read[_pid] ->
#ifndef BUG_NO_FENCE
            receipt[since] = (got == fine -> true : receipt[since]);  /* leave_receipt, of the epoch it was claimed in */
            task_done(job); goto end
#else
            skip
#endif
        fi
       }
       fi;
       if
       :: atomic { crashes < CRASHES -> crash(job); goto end }
       :: d_step { state == queued && !named -> task(generation); task_done(job) }
       :: d_step { !(state == queued && !named) -> task_done(job) }
       fi
    od
}

/* ---- retry_dead_letters ------------------------------------------------------------------------------------------- */

active proctype sweep() {  /* what is due it sees at any time: it may be early, which no property depends on */
    bool moves = false;

end:
    do
    :: d_step {            /* AlertStore.due, TaskQueue.holds */
#ifndef BUG_BLIND_TO_QUEUED
        (state == queued && due[generation] == 0 && underway[generation] == 0) ||
#endif
#ifndef BUG_BLIND_TO_SENDING
        (state == sending && !live) ||
#endif
        (state == parked && !(blocked && (probing))) -> read[_pid] = true; moves = true };
       atomic {
        if
        :: !read[_pid] -> moves = false                                 /* Conflict: the next pass */
        :: read[_pid] && state == sending && receipt[epoch] -> state = delivered; holder = 0; wrote(); moves = false
        :: read[_pid] && state == sending && !receipt[epoch] -> holder = 0; unknown()  /* [delivery.expire] */
        :: read[_pid] && state != sending -> queue_again()             /* [delivery.requeue]; a probe's release too */
        fi
       };
       if
       :: crashes < CRASHES -> crashes++                                    /* before the task */
       :: d_step { moves && state == queued -> task(generation) }
       :: d_step { !(moves && state == queued) -> skip }
       fi;
       moves = false
    od
}

/* ---- the relayed escalation: from channel to channel until one takes it ------------------------------------------- */

active proctype relay() {
    byte hop = 0, e = 0;

end:
    do
    :: atomic { (made[1] && !told[1]) || (made[2] && !told[2]) -> e = (made[1] && !told[1] -> 1 : 2) } ->
       if
       :: atomic { faults < FAULTS -> faults++; hop++ }                     /* the next channel */
#ifndef BUG_RELAY_GIVES_UP
       :: told[e] = true
#else
       :: hop == 0 -> told[e] = true
#endif
       fi
    od
}

/* ---- the world ---------------------------------------------------------------------------------------------------- */

active proctype time() {   /* Firestore's: a lease of who runs no more always ends, of who runs only so often */
end:
    do
    :: d_step { state == sending && live && holder == 0 -> live = false; plain = false }
    :: d_step { state == sending && live && holder != 0 && stalls < STALLS -> stalls++; live = false; plain = false }
#ifndef BUG_PROBE_FOR_EVER
    :: d_step { probing && state != sending -> probing = false }            /* leased_until has passed */
#endif
    od
}

active proctype mishaps() { /* of Cloud Tasks and of the destination */
end:
    do
    :: d_step { losses < LOSSES && due[generation] > 0 -> losses++; due[generation]--; pending-- }
    :: d_step { copies < COPIES && (due[generation] + underway[generation] > 0) -> copies++; due[generation]++; pending++ }
    :: d_step { blocks < BLOCKS && !broken && state != delivered -> blocks++; broken = true }
    od
}

active proctype person() { /* repairs, and redrives what failed [decisions] */
end:
    do
    :: d_step { broken -> broken = false }
    :: atomic { state == failed && redrives < REDRIVES ->
        redrives++; epoch++; attempts = 0; unknowns = 0; queue_again() } ->
       if
       :: crashes < CRASHES -> crashes++
       :: d_step { state == queued -> task(generation) }
       :: d_step { state != queued -> skip }
       fi
    od
}

#ifdef ENDLESS
active proctype goes_on() { /* an end at which nobody has anything to do lasts for ever: it is judged like a circle */
    bool beat = false;

    do
    :: beat = !beat
    od
}
#endif

active proctype chat() {   /* the alert was made by its commit; its first task may come late, or never (f02) */
    if
    :: d_step { due[1]++; pending++; named = (generation == 1 -> true : named) }
    :: skip
    fi
}

/* Never lost: in the end it was shown, or it failed and a person was told, whatever went wrong before. */
ltl never_lost { <>[] ((state == delivered && shown > 0) || (state == failed && told[epoch])) }

/* What is said to be delivered was shown, and whatever failed has its escalation. */
ltl told_the_truth { [] ((state != delivered || shown > 0) && (state != failed || made[epoch])) }
