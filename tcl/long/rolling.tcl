# ROUNDS times: all nodes are restarted with SIGTERM, one after the other, under
# 50 closed-loop writers on the two that stay. BEFORE=DIR: the cluster is of
# another build at first, each node comes back as the present one, and each
# further round begins with another cluster: a rolling upgrade. AFTER=DIR: the
# same from the present build to another one. In the end the level is the highest
# that the newer one knows.
set rounds [expr {[info exists env(ROUNDS)] ? $env(ROUNDS) : 20}]
set now [expr {[info exists env(AFTER)] ? "$env(AFTER)/vard" : $::vard}]
set before [expr {[info exists env(BEFORE)] ? "$env(BEFORE)/vard" : $::vard}]
set per_cluster [expr {$before eq $now ? $rounds : 1}]
set gaps {}
set acked 0

for {set first 1} {$first <= $rounds} {incr first $per_cluster} {
    set ::vard $before
    start_cluster 3 {} {
        for {set n 0} {$n < $per_cluster} {incr n} {
            set round [expr {$first + $n}]
            test "round $round: all nodes restart, one after the other" {
                set op [lindex {append incr set} [expr {$round % 3}]]
                foreach id $cluster::ids {
                    set report [restart_round $id rolling$round-$id 50 $op $now]
                    lappend gaps [dict get $report gap-ms]
                    incr acked [dict get $report acked]
                }
                wait_for_same_state
                foreach id $cluster::ids {
                    wait_for_condition 30000 {[info_of $id raft_level] ==
                        [info_of $id raft_level_max]} {
                        error "node $id: [info_of $id raft_level_waits]"
                    }
                }
            }
        }
    }
}

test "how long nothing succeeded" {
    lassign [median_and_worst $gaps] median worst
    note "[llength $gaps] restarts: $acked writes acknowledged, 0 errors;\
        median $median ms, worst $worst ms"
    assert_equal [expr {3 * $rounds}] [llength $gaps]
}
