# Wall clocks that differ, jump and are absurd, on real processes: the monotonic
# clock is that of the machine, but where it is suspended. Times to live are kept whatever they show;
# absolute times are by the leader's.

source [file dirname [info script]]/../chaos/chaos.tcl
if {![chaos::with_clocks]} {
    test "clocks are moved" {note "a sanitizer: they were not"}
    return
}

proc set_clocks {ids seconds} {
    foreach id $ids {chaos::set_clock $id $seconds}
}

# The leader's wall clock, in ms.
proc wall_ms {id} {
    lassign [R $id TIME] seconds us
    return [expr {$seconds * 1000 + $us / 1000}]
}

# A key with that time to live is there for so long, and then it is gone.
proc lives_about {ms key} {
    set begin [clock milliseconds]
    R $::follow SET $key v PX $ms
    wait_for_condition [expr {$ms + 4000}] {[R $::follow GET $key] eq ""}
    set took [expr {[clock milliseconds] - $begin}]
    assert {$took >= $ms - 20} "gone after $took ms of $ms"
    R $::follow SET $key v PX $ms
    wait_for_condition [expr {$ms + 4000}] {[node_typed $::lead EXISTS $key]
        eq ":0"}
}

proc assert_near {value from to {what ""}} {
    assert {$value >= $from && $value <= $to} \
        "$what $value is not within $from and $to"
}

# The nodes that run have a leader; writes go through another one if there is.
proc find_roles {} {
    set alive [lmap id $cluster::ids {
        if {![node_alive $id]} continue
        set id
    }]
    set ::lead [wait_for_leader $alive]
    set ::follow [lindex [lsearch -all -inline -not $alive $::lead] end]
    if {$::follow eq ""} {set ::follow $::lead}
}

# Sets a key with a time to live, and remembers when it ends: at the earliest,
# and at the latest.
proc lease {id ms args} {
    set begin [clock milliseconds]
    assert_equal OK [R $id {*}$args PX $ms]
    set ::ends [list [expr {$begin + $ms}] [expr {[clock milliseconds] + $ms}]]
}

# It has what is left of that, by this node, or up to `late` ms more.
proc lease_is_kept {id key {late 50}} {
    lassign $::ends earliest latest
    set begin [clock milliseconds]
    set left [R $id PTTL $key]
    assert_near $left [expr {$earliest - [clock milliseconds] - 5}] \
        [expr {$latest - $begin + $late}] "node $id, PTTL $key"
}

# In and out, on all nodes, by the leader's clock.
proc absolute_times_are_right {} {
    set at [expr {[wall_ms $::lead] + 60000}]
    foreach command [list \
            "SET abs v PXAT $at" "GETEX abs PXAT $at" "PEXPIREAT abs $at" \
            "SET abs v EXAT [expr {$at / 1000}]" \
            "GETEX abs EXAT [expr {$at / 1000}]" \
            "EXPIREAT abs [expr {$at / 1000}]"] {
        R $::follow SET abs v
        R $::follow {*}$command
        set want $at
        if {![string match "*P*XPIREAT*" $command] &&
                ![string match "*PXAT*" $command]} {
            set want [expr {$at / 1000 * 1000}]
        }
        foreach id $cluster::ids {
            if {![node_alive $id]} continue
            assert_equal $want [R $id PEXPIRETIME abs] $command
            assert_equal [expr {($want + 500) / 1000}] [R $id EXPIRETIME abs]
            assert_near [R $id PTTL abs] 50000 60050 "$command: PTTL"
        }
    }
    R $::follow SET abs v PXAT [expr {[wall_ms $::lead] + 300}]
    assert_equal v [R $::follow GET abs]
    pause 350
    foreach id $cluster::ids {
        if {[node_alive $id]} {assert_equal :0 [node_typed $id EXISTS abs]}
    }
    assert_equal OK [R $::follow SET abs v PXAT [expr {[wall_ms $::lead] - 300}]]
    assert_equal 0 [R $::follow EXISTS abs]
}

chaos_cluster 3 {request-timeout 5000} {
    find_roles

    test "times of clocks that are right" {
        absolute_times_are_right
        lives_about 300 right
    }

    test "a lease outlives its leader, though the others' clocks are ahead" {
        set first $lead
        set_clocks [followers $lead] 15
        lease $lead 10000 SET lock A NX
        kill_node $lead
        find_roles
        assert_equal nil [node_typed $lead SET lock B NX PX 10000]
        foreach id [list $lead $follow] {lease_is_kept $id lock 500}
        absolute_times_are_right
        assert_match "*shows 1???? ms more*" [read_file $::nodes($lead,log)]
        restart_node $first
        find_roles
        assert_equal nil [node_typed $follow SET lock B NX PX 10000]
        wait_for_condition 12000 {[node_typed $follow SET lock B NX PX 10000]
            eq "+OK"}
        assert {[clock milliseconds] >= [lindex $ends 0]}
    }

    test "and so when leadership is handed over, forth and back" {
        find_roles
        lease $lead 10000 SET lock A
        foreach to [list $first $lead $first] {
            R [wait_for_leader] RAFT TRANSFER $to
            wait_for_condition 5000 {[leader_now] == $to}
            foreach id $cluster::ids {lease_is_kept $id lock 500}
        }
        find_roles
        absolute_times_are_right
        set_clocks $cluster::ids 0
        pause 300
    }

    foreach seconds {36000 -36000} {
        test "the leader's clock jumps by $seconds s for 50 ms" {
            find_roles
            lease $lead 60000 SET key v
            R $lead SET once 0
            assert_equal 1 [R $lead ONCE c$seconds 1 INCR once]
            chaos::set_clock $lead $seconds
            pause 50
            chaos::set_clock $lead 0
            pause 500
            foreach id $cluster::ids {
                assert_equal :1 [node_typed $id EXISTS key]
                lease_is_kept $id key
            }
            assert_equal 1 [R $lead ONCE c$seconds 1 INCR once]
            assert_equal 1 [R $lead GET once]
            absolute_times_are_right
            lives_about 300 after
        }

        test "it jumps by $seconds s while commands are executed" {
            find_roles
            lease $lead 60000 SET key v
            assert_equal 2 [R $lead ONCE c$seconds 2 INCR once]
            chaos::set_clock $lead $seconds
            for {set i 0} {$i < 50} {incr i} {R $follow INCR n}
            pause 300
            absolute_times_are_right
            assert_equal 2 [R $lead ONCE c$seconds 2 INCR once]
            set moved [expr {[R $follow PEXPIRETIME key] - [clock milliseconds]
                - $seconds * 1000}]
            assert_near $moved 40000 60000
            lease_is_kept $follow key
            chaos::set_clock $lead 0
            pause 300
            foreach id $cluster::ids {
                lease_is_kept $id key
                assert_near [expr {[R $id PEXPIRETIME key] -
                    [clock milliseconds]}] 40000 60000
            }
            assert_match "*wall clock of this node has jumped by*" \
                [read_file $::nodes($lead,log)]
            absolute_times_are_right
            lives_about 300 after
        }
    }

    test "conditions on absolute times" {
        find_roles
        set at [expr {[wall_ms $lead] + 50000}]
        R $follow SET key v PXAT $at
        assert_equal 0 [R $follow PEXPIREAT key $at GT]
        assert_equal 0 [R $follow PEXPIREAT key $at LT]
        assert_equal 1 [R $follow PEXPIREAT key [incr at] GT]
        assert_equal 0 [R $follow PEXPIREAT key [expr {$at + 5}] NX]
        R $follow SET key w KEEPTTL
        foreach id $cluster::ids {assert_equal $at [R $id PEXPIRETIME key]}
        assert_equal 1 [R $follow PERSIST key]
        foreach id $cluster::ids {assert_equal -1 [R $id PEXPIRETIME key]}
    }

    test "a voter that starts again with a clock ahead does not end a lease" {
        find_roles
        R $lead DEL lock
        lease $lead 30000 SET lock A NX
        set other [lindex [lsearch -all -inline -not $cluster::ids $lead] 0]
        set_clocks [followers $lead] 3600
        kill_node $other
        restart_node $other
        kill_node $lead
        set first $lead
        find_roles
        foreach id [list $lead $follow] {
            assert_equal nil [node_typed $id SET lock B NX PX 30000]
            lease_is_kept $id lock 1000
        }
        restart_node $first
        set_clocks $cluster::ids 0
        pause 300
        find_roles
        absolute_times_are_right
        R $lead DEL lock
    }

    test "all are killed and start again: what has passed counts" {
        R $lead SET brief v PX 1500
        lease $lead 60000 SET long v
        set at [expr {[wall_ms $lead] + 50000}]
        R $lead SET abs v PXAT $at
        foreach id $cluster::ids {kill_node $id}
        pause 1500
        foreach id $cluster::ids {restart_node $id 0}
        foreach id $cluster::ids {wait_node_up $id}
        find_roles
        assert_equal 0 [R $lead EXISTS brief]
        foreach id $cluster::ids {
            lease_is_kept $id long
            assert_equal $at [R $id PEXPIRETIME abs]
        }
        absolute_times_are_right
    }

    test "all are killed, and start again when their clocks are behind" {
        find_roles
        lease $lead 60000 SET long v
        foreach id $cluster::ids {kill_node $id}
        set_clocks $cluster::ids -3600
        foreach id $cluster::ids {restart_node $id 0}
        foreach id $cluster::ids {wait_node_up $id}
        find_roles
        lease_is_kept $lead long 60000
        set ends {}
        absolute_times_are_right
        lives_about 300 behind
        set_clocks $cluster::ids 0
        pause 300
        assert_near [R $lead PTTL long] 40000 60000
        absolute_times_are_right
    }

    test "all start again when one clock jumped before, and nobody wrote" {
        find_roles
        lease $lead 60000 SET long v
        set_clocks $cluster::ids 7200
        pause 400
        foreach id $cluster::ids {kill_node $id}
        foreach id $cluster::ids {restart_node $id 0}
        foreach id $cluster::ids {wait_node_up $id}
        find_roles
        lease_is_kept $lead long
        set_clocks $cluster::ids 0
        pause 300
        lease_is_kept $lead long
    }

    test "all machines are suspended for 30 s: times to live run on" {
        find_roles
        lease $lead 60000 SET long v
        R $lead SET brief v PX 20000
        set at [expr {[wall_ms $lead] + 50000}]
        R $lead SET abs v PXAT $at
        foreach id $cluster::ids {
            chaos::set_clock $id 30
            chaos::advance $id 30000
        }
        pause 300
        find_roles
        set ends [lmap end $ends {expr {$end - 30000}}]
        assert_equal 0 [R $lead EXISTS brief]
        foreach id $cluster::ids {
            lease_is_kept $id long 200
            assert_near [R $id PEXPIRETIME abs] [expr {$at - 200}] \
                [expr {$at + 200}]
        }
        absolute_times_are_right
        lives_about 300 after
    }

    test "the state is the same on all nodes" {
        wait_for_same_state
    }
}

# At the beginning of 1970, in the last year of 32 bits, and beyond 2200: from
# the start, and put right later. (RocksDB ends where a clock shows less.)
foreach year {1970 2038 2201 2280} {
    start_server {} {
        set lead 1
        set follow 1
        test "a clock in the year $year" {
            set by [expr {$year == 1970 ? 86400 - [clock seconds] :
                int(($year - 2026) * 365.25 * 86400)}]
            kill_node 1
            chaos::set_clock 1 $by
            restart_node 1
            assert_match "* *" [R 1 TIME]
            lives_about 300 far
            R 1 SET key v PX 60000
            absolute_times_are_right
            chaos::set_clock 1 0
            pause 300
            assert_near [R 1 PTTL key] 40000 60000
            absolute_times_are_right
            kill_node 1
            restart_node 1
            assert_near [R 1 PTTL key] 40000 60000
            absolute_times_are_right
            lives_about 300 right
        }
    }
}
