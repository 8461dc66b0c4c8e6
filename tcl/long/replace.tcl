# ROUNDS times: a random member is killed under 50 closed-loop writers on the two
# others, its directory is emptied, or in each third round replaced by an older
# copy of it, and it is started again as it was. Nobody helps: it must be taken
# in again, and have its vote. Prints how long that takes. The options are those
# by default, so the log reaches back to its beginning in a short run; with
# OPTIONS="log-size 1mb log-size-max 4mb proto-max-bulk-len 1mb" it does not, and
# the member is sent the data of another one.
set rounds [expr {[info exists env(ROUNDS)] ? $env(ROUNDS) : 20}]
set options [expr {[info exists env(OPTIONS)] ? $env(OPTIONS) : {}}]
set seconds {}
set gaps {}
set acked 0

# A copy of the member's directory, taken while it is down.
proc take_copy {id} {
    kill_node $id TERM
    file delete -force $::env(VARD_TEST_DIR)/copy
    exec cp -a $::nodes($id,dir) $::env(VARD_TEST_DIR)/copy
    restart_node $id
    wait_for_leader
    wait_for_same_state
}

# A server that waits to be let in does not say it at all.
proc has_vote {id} {
    expr {![catch {info_of $id raft_recovering} now] && $now == 0}
}

start_cluster 3 $options {
    set copied 0
    for {set round 1} {$round <= $rounds} {incr round} {
        set id [expr {$copied ? $copied :
            [lindex $cluster::ids [expr {int(rand() * 3)}]]}]
        set what [expr {$copied ? "an older copy" : "an empty directory"}]
        test "round $round: member $id comes back with $what" {
            set op [lindex {append incr set} [expr {$round % 3}]]
            set others [lsearch -all -inline -not $cluster::ids $id]
            set report [under_load $others replace$round 50 $op {
                kill_node $id
                file delete -force $nodes($id,dir)
                if {$copied} {exec cp -a $env(VARD_TEST_DIR)/copy $nodes($id,dir)}
                set begin [clock milliseconds]
                restart_node $id 0
                wait_for_condition 60000 {[has_vote $id]} {
                    error "member $id has no vote; its log ends:\n[log_tail $id]"
                }
                set took [expr {([clock milliseconds] - $begin) / 1000.0}]
            }]
            lappend seconds $took
            lappend gaps [dict get $report gap-ms]
            incr acked [dict get $report acked]
            wait_for_same_state
            verify_load $id $env(VARD_TEST_DIR)/replace$round.acks --op $op \
                --prefix replace$round
            note "$took s until it votes"
            # It has its vote: the others are not enough without it.
            kill_node [lindex $others 0]
            wait_for_leader [lsearch -all -inline -not $cluster::ids \
                [lindex $others 0]]
            assert_equal OK [R $id SET voted $round]
            restart_node [lindex $others 0]
            wait_for_leader
            wait_for_same_state
        }
        set copied 0
        if {$round % 3 == 2} {
            set copied [lindex $cluster::ids [expr {int(rand() * 3)}]]
            test "a copy of member $copied is put aside" {take_copy $copied}
        }
    }
    test "how long it took" {
        lassign [median_and_worst $seconds] median worst
        lassign [median_and_worst $gaps] gap worst_gap
        note "$acked writes acknowledged, 0 errors; until it votes: median $median\
            s, worst $worst s; without a success: median $gap ms, worst $worst_gap ms"
        assert_equal $rounds [llength $seconds]
    }
}
