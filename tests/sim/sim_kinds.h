/*
 * The kinds of faults of the simulator: a lot of the seed says which of them a
 * run has (sim_fault.c).
 */
#ifndef SIM_SIM_KINDS_H
#define SIM_SIM_KINDS_H

/* What can go wrong: constant, name on the command line. */
#define SIM_FAULTS(X)                                                          \
    X(RESET, "reset")             /* a link breaks, both sides notice */       \
    X(HALF_OPEN, "half-open")     /* one side notices late */                  \
    X(TORN, "torn-frame")         /* a link breaks in the middle of a frame */ \
    X(FLIP, "flip")               /* a bit changes: the checksum finds it */   \
    X(CUT, "cut")                 /* one direction carries nothing */          \
    X(PARTITION, "partition")     /* groups, rings, bridges */                 \
    X(ISOLATE, "isolate")         /* the leader alone */                       \
    X(TAIL, "tail")               /* some messages take up to 20 s */          \
    X(SLOW_LINK, "slow-link")     /* little bandwidth */                       \
    X(FULL, "full")               /* short queues: ERR_LIMIT */                \
    X(CRASH, "crash")             /* process killed, or power lost */          \
    X(CRASH_ALL, "crash-all")     /* all at the same moment */                 \
    X(LOOP, "restart-loop")       /* one that dies again and again */          \
    X(PAUSE, "pause")             /* a process stands still */                 \
    X(SLOW_CPU, "slow-cpu")       /* turns of the loop take long */            \
    X(STALL, "stall")             /* a sync takes up to two minutes */         \
    X(SYNC_ERROR, "sync-error")   /* a sync fails */                           \
    X(WRITE_ERROR, "write-error") /* a write fails */                          \
    X(FLUSH, "flush")             /* state reaches the disk unasked */         \
    X(DRIFT, "drift")             /* clocks run up to 20 % off */              \
    X(FREEZE, "freeze")           /* clocks stand still, the process not */    \
    X(JUMP, "jump")               /* the wall clock jumps up to an hour */     \
    X(EDGE, "clock-edge")         /* monotonic clock near 2^31, 2^32 */        \
    X(TRANSFER, "transfer")       /* leadership handed over by order */        \
    X(LEAVE, "leave")             /* clients leave with requests open */       \
    X(BURST, "burst")             /* up to 1,000 requests at once */           \
    X(GIANT, "giant")             /* values of up to 900 kB */                 \
    X(TINY, "tiny")               /* one entry at a time, tiny buffers */      \
    X(LOST, "disk-lost")          /* a disk without what it promised */        \
    X(SLOW_STATE, "slow-state")   /* no room for the state for a while */      \
    X(SUSPEND, "suspend")         /* a machine and its clocks stand still */   \
    X(BLINK, "clock-blink")       /* the wall clock jumps forth and back */    \
    X(APART, "clocks-apart")      /* wall clocks differ from the start */      \
    X(SHORT, "disk-short")        /* too little space for a while */           \
    X(WIPE, "wipe")               /* a directory is emptied, and asks */       \
    X(CHURN, "churn")             /* members come and go */                    \
    X(REMOVE_LEADER, "remove-leader") /* the leader is to go */                \
    X(COPY_BACK, "copy-back")         /* a disk is what it was before */       \
    X(LEVEL, "level")                 /* members of two versions */            \
    X(MAJORITY, "majority-lost")      /* of the disks, at the end */           \
    X(CLONE, "clone")                 /* a copy is started beside it */

enum sim_fault {
#define X(id, name) FAULT_##id,
    SIM_FAULTS(X)
#undef X
        FAULT_COUNT,
};

extern const char *const sim_fault_names[FAULT_COUNT];

#endif
