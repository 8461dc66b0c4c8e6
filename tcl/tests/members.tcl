# Members come and go while clients write.

proc ctl {ids args} {
    return [run_program $::vardctl --cluster [addresses $ids] {*}$args]
}

# A place for one more node; its configuration comes from `vardctl add`.
proc new_node {id} {
    set base [file dirname $::nodes(1,dir)]
    set ::nodes($id,port) [free_port]
    set ::nodes($id,peer) [free_port]
    set ::nodes($id,dir) $base/node$id
    set ::nodes($id,log) $base/node$id.log
    set ::nodes($id,conf) $base/node$id.conf
    file mkdir $::nodes($id,dir)
    write_file $::nodes($id,log) ""
}

proc start_as {id text} {
    write_file $::nodes($id,conf) \
        "$text\nmin-free-disk 1mb\nbind 127.0.0.1\nsupervised auto\n"
    set ::nodes($id,pid) [start_process $::nodes($id,log) $::vard $::nodes($id,conf)]
}

proc start_again {id} {
    set ::nodes($id,pid) [start_process $::nodes($id,log) $::vard $::nodes($id,conf)]
}

# Adds it by vardctl, and starts it as vardctl says.
proc add_node {ids id args} {
    new_node $id
    lassign [ctl $ids add 127.0.0.1:$::nodes($id,peer) \
        127.0.0.1:$::nodes($id,port) {*}$args] status output
    assert_equal 0 $status $output
    start_printed $id $output
    return $output
}

proc members {} {
    set out {}
    foreach m [dict get [R [wait_for_leader] RAFT MEMBERS] members] {
        dict set out [dict get $m id] [dict get $m role]
    }
    return $out
}

proc wait_members {wanted {timeout_ms 60000}} {
    wait_for_condition $timeout_ms {![catch {members} m] && $m eq $wanted} {
        error "members are [members], not $wanted:\
            [R [wait_for_leader] RAFT MEMBERS]\n[join [lmap i $cluster::ids {
                log_tail $i 12}] \n--\n]"
    }
}

proc all_vote {} {
    return [dict create {*}[concat {*}[lmap i [lsort -integer $cluster::ids] {list $i voter}]]]
}

proc told_id {output} {
    assert {[regexp {node-id ([0-9]+)\n} $output -> id]} $output
    return $id
}

# From now on it is none of the cluster that is asked.
proc gone {id} {
    set cluster::ids [lsearch -all -inline -not $cluster::ids $id]
}

# It ends by itself, and says why.
proc wait_removed {id} {
    wait_for_condition 30000 {![node_alive $id]} {error [log_tail $id]}
    forget_client $id
    assert_match "*node $id was removed from the cluster by entry*" [log_tail $id 8]
}

proc start_printed {id output} {
    # All that is printed is a configuration, as if it had gone into a file.
    regsub {dir /var/lib/vard} $output "dir $::nodes($id,dir)" text
    regsub -line {^bind .*$} $text "" text
    start_as $id $text
}

# The names of a node's things, when it has got another id than expected.
proc move_node {from to} {
    foreach what {port peer dir log conf pid} {
        set ::nodes($to,$what) $::nodes($from,$what)
    }
}

proc address_of {asked id} {
    foreach m [dict get [R $asked RAFT MEMBERS] members] {
        if {[dict get $m id] == $id} {return [dict get $m peer-address]}
    }
    return ""
}

proc priority_of {asked id} {
    foreach m [dict get [R $asked RAFT MEMBERS] members] {
        if {[dict get $m id] == $id} {return [dict get $m priority]}
    }
    return ""
}

start_cluster 1 {} {
    # Alone, with a line of its own, so that others can reach it.
    kill_node 1 TERM
    file delete -force $nodes(1,dir)
    file mkdir $nodes(1,dir)
    start_as 1 "node-id 1
node 1 127.0.0.1:$nodes(1,peer) 127.0.0.1:$nodes(1,port) priority 120
port $nodes(1,port)
dir $nodes(1,dir)"
    wait_node_up 1
    wait_for_leader
    for {set i 0} {$i < 100} {incr i} {R 1 SET key:$i $i}

    test "what cannot be is refused, and nothing is changed" {
        set before [R 1 RAFT MEMBERS]
        foreach {args wanted} [list \
            {RAFT REMOVE 1} "*is the last voter*" \
            {RAFT DEMOTE 1} "*is the last voter*" \
            {RAFT REMOVE 7} "*node 7 is no member*" \
            {RAFT PROMOTE 7} "*node 7 is no member*" \
            {RAFT MOVE 7 127.0.0.1:9} "*node 7 is no member*" \
            {RAFT REPLACE 7 127.0.0.1:9} "*node 7 is no member*" \
            {RAFT PROMOTE 1} "*votes already*" \
            {RAFT ADD 1 127.0.0.1:9} "*is a member already*" \
            {RAFT ADD x 127.0.0.1:9} "*invalid node id*" \
            {RAFT ADD -1 127.0.0.1:9} "*invalid node id*" \
            {RAFT ADD 4294967295 127.0.0.1:9} "*invalid node id*" \
            {RAFT REMOVE *} "*invalid node id*" \
            {RAFT ADD * nonsense} "*HOST:PORT*" \
            {RAFT ADD * 127.0.0.1:0} "*HOST:PORT*" \
            {RAFT ADD * 127.0.0.1:9 127.0.0.1:9} "*give two ports*" \
            {RAFT ADD * 127.0.0.1:9 127.0.0.1:8 x} "*syntax error*" \
            {RAFT ADD * 127.0.0.1:9 127.0.0.1:8 LEARNER x} "*syntax error*" \
            {RAFT REMOVE 1 FORCED} "*syntax error*" \
            {RAFT PROMOTE 1 FORCE} "*syntax error*" \
            {RAFT ADD *} "*wrong number*" \
            {RAFT ADD * WAIT} "*HOST:PORT*" \
            {RAFT REMOVE WAIT} "*invalid node id*" \
            {RAFT PRIORITY 7 1} "*node 7 is no member*" \
            {RAFT PRIORITY 1 120} "*has priority 120 already*" \
            {RAFT PRIORITY 1 256} "*a number from 0 to 255*" \
            {RAFT PRIORITY 1 -1} "*a number from 0 to 255*" \
            {RAFT PRIORITY 1 x} "*a number from 0 to 255*" \
            {RAFT PRIORITY x 1} "*invalid node id*" \
            {RAFT PRIORITY 1} "*wrong number*" \
            {RAFT PRIORITY 1 2 3} "*syntax error*" \
            {RAFT REMOVE 7 WAIT} "*node 7 is no member*" \
            {RAFT REMOVE 7 WAIT x} "*number of seconds*" \
            {RAFT REMOVE 7 WAIT 3601} "*number of seconds*" \
            {RAFT REMOVE 7 WAIT 1 FORCE} "*syntax error*" \
            {RAFT MOVE 1 127.0.0.1:9 WAIT -1} "*number of seconds*" \
            [list RAFT ADD * [string repeat x 300]:1] "*127 characters*" \
            [list RAFT ADD * [string repeat x 130]:1] "*127 characters*"] {
            assert_error $wanted {R 1 {*}$args}
        }
        foreach {args status wanted} [list \
            {remove 7} 5 "*node 7 is no member*" \
            {remove 1} 5 "*is the last voter*" \
            {remove x} 2 "*not the id of a node: x*" \
            {promote 1 --force} 2 "*unknown option --force*" \
            {remove 1 --forced} 2 "*unknown option --forced*" \
            {add nonsense} 2 "*is no HOST:PORT*" \
            {add 127.0.0.1:9 nonsense} 2 "*is no HOST:PORT*" \
            {add --learner} 2 "*wrong number*" \
            {add 127.0.0.1:9 --force} 2 "*unknown option*" \
            {priority 7 1} 5 "*node 7 is no member*" \
            {priority 1 256} 2 "*a number from 0 to 255, not 256*" \
            {priority 1} 2 "*wrong number*" \
            {move 1 nonsense} 5 "*HOST:PORT*" \
            {replace 9 127.0.0.1:9} 5 "*node 9 is no member*"] {
            lassign [ctl 1 {*}$args] got output
            assert_match $wanted $output
            assert_equal $status $got $output
        }
        assert_equal $before [R 1 RAFT MEMBERS]
        assert_equal 120 [priority_of 1 1]
        assert_equal OK [R 1 RAFT PRIORITY 1 100 WAIT]
        assert_equal 100 [priority_of 1 1]
    }

    test "1 -> 3 -> 5, while clients write" {
        under_load 1 grow 4 incr {
            foreach id {2 3 4 5} {
                set output [add_node $cluster::ids $id]
                if {$id == 3} {
                    assert_match "*# The cluster bears 0 failures now, and 1 when it is\
                        done*" $output
                }
                lappend cluster::ids $id
                wait_node_up $id
                wait_members [all_vote]
            }
        }
        wait_for_same_state
        assert_equal 5 [llength $cluster::ids]
        assert_equal 42 [R 5 GET key:42]
        assert_equal 0 [lindex [ctl 1 wait healthy 60] 0]
        lassign [ctl 1 members] status output
        assert_equal 0 $status
        assert_match "*5 voters: bears 2 failures*" $output
    }

    test "a learner stays one, serves, and is promoted" {
        set said [file dirname $nodes(1,dir)]/said
        set supervisor [start_supervisor $said $said.socket]
        set ::env(NOTIFY_SOCKET) $said.socket
        add_node $cluster::ids 6 --learner
        unset ::env(NOTIFY_SOCKET)
        lappend cluster::ids 6
        wait_node_up 6
        wait_members [dict merge [all_vote] {6 learner}]
        wait_for_same_state
        assert_equal 42 [R 6 GET key:42]
        assert_equal OK [R 6 READONLY]
        assert_equal 42 [R 6 GET key:42]
        assert_match "*flags=r *" [R 6 CLIENT INFO]
        assert_equal OK [R 6 READWRITE]
        assert_equal OK [R 6 SET from:6 1]
        assert_equal 1 [R 1 GET from:6]
        lassign [ctl 1 promote 6 --wait 60] status output
        assert_equal 0 $status $output
        assert_equal [all_vote] [members]
    }

    test "who is wanted leads, while clients write" {
        set id [lindex [followers] end]
        under_load 1 wanted 4 incr {
            lassign [ctl $cluster::ids priority $id 200 --wait 60] status output
            assert_equal 0 $status $output
            wait_for_condition 60000 {[wait_for_leader] == $id}
        }
        assert_equal 200 [priority_of $id $id]
        assert_equal 200 [info_of $id raft_priority]
        assert_match "*leads; priority 200*" [lindex [ctl 1 members] 1]
        lassign [ctl 1 priority $id 100 --wait 60] status output
        assert_equal 0 $status $output
        assert_equal 100 [priority_of $id $id]
    }

    test "members are removed, who leads too, while clients write; they end with 0" {
        under_load 1 shrink 4 incr {
            foreach id {6 5} {
                gone $id
                lassign [ctl $cluster::ids remove $id] status output
                assert_equal 0 $status $output
                wait_members [all_vote]
                wait_removed $id
            }
            wait_for_condition 10000 {[string match "READY=1*\nSTOPPING=1*" \
                [read_file $said]]}
            signal_process $supervisor KILL
            if {[wait_for_leader] == 1} {R 1 RAFT TRANSFER 2}
            wait_for_condition 20000 {[wait_for_leader] != 1}
            set id [wait_for_leader]
            gone $id
            assert_equal 0 [lindex [ctl 1 remove $id] 0]
            wait_members [all_vote]
            wait_removed $id
        }
        wait_for_same_state
    }

    test "who was removed stays so" {
        start_again 6
        wait_for_condition 20000 {![node_alive 6]}
        assert_match "*was removed from the cluster by entry*" [read_file $nodes(6,log)]
        wait_members [all_vote]
    }

    test "a dead member is replaced" {
        set dead [lindex [followers] end]
        if {$dead == 1} {set dead [lindex [followers] 0]}
        kill_node $dead
        new_node 7
        set alive [lsearch -all -inline -not $cluster::ids $dead]
        lassign [ctl $alive replace $dead 127.0.0.1:$nodes(7,peer) \
            127.0.0.1:$nodes(7,port)] status output
        assert_equal 0 $status $output
        start_printed 7 $output
        set cluster::ids [concat $alive [told_id $output]]
        set real [told_id $output]
        if {$real != 7} {move_node 7 $real}
        wait_node_up $real
        wait_members [all_vote]
        wait_for_same_state
        assert_equal 42 [R $real GET key:42]
    }

    test "a member moves: both ports are others" {
        set id [lindex [followers] 0]
        if {$id == 1} {set id [lindex [followers] 1]}
        kill_node $id TERM
        file copy $nodes($id,dir) $nodes($id,dir).twin
        set from $nodes($id,peer)
        set nodes($id,peer) [free_port]
        regsub -all ":$from" [read_file $nodes($id,conf)] ":$nodes($id,peer)" text
        write_file $nodes($id,conf) $text
        start_again $id
        wait_node_up $id
        wait_for_leader
        wait_for_same_state
        wait_for_condition 30000 {[address_of [wait_for_leader] $id] eq
            "127.0.0.1:$nodes($id,peer)"} {
            error "it is said to be at [address_of [wait_for_leader] $id]"
        }
        # A copy of it that is somewhere else is refused, by the leader, and
        # did not move it.
        set third [lsearch -all -inline -not $cluster::ids $id]
        set third [lsearch -all -inline -not $third 1]
        if {[wait_for_leader] != $third} {
            R [wait_for_leader] RAFT TRANSFER $third
        }
        wait_for_condition 20000 {[wait_for_leader] == $third}
        set twin $nodes($id,dir).twin
        regsub -all ":$nodes($id,peer)" $text ":[free_port]" text
        regsub -line "^port .*" $text "port [free_port]" text
        regsub -line "^dir .*" $text "dir $twin" text
        write_file $twin.conf $text
        write_file $twin.log ""
        # The third one is silent meanwhile, so nobody but the leader refuses it.
        signal_process $nodes(1,pid) STOP
        set pid [start_process $twin.log $vard $twin.conf]
        wait_for_condition 20000 {
            [string match "*another process*" [read_file $twin.log]]}
        signal_process $pid KILL
        wait_process_end $pid 10000
        signal_process $nodes(1,pid) CONT
        assert_equal OK [R [wait_for_leader] SET twin refused]
        assert_equal 127.0.0.1:$nodes($id,peer) \
            [address_of [wait_for_leader] $id]
        # The others find it by the configuration, also when they start again.
        set other [lindex [lsearch -all -inline -not $cluster::ids $id] 0]
        kill_node $other TERM
        start_again $other
        wait_node_up $other
        wait_for_leader
        wait_for_same_state
        # Its line is the only one that it has, and not obeyed.
        assert_equal 1 $other
        set text [read_file $nodes(1,log)]
        foreach wanted [list "*node lines are not what the members have agreed on by\
                entry * of the log, which counts:*" \
            "*  node $id (127.0.0.1:$nodes($id,peer)) is a member, and has no line\n*"] {
            assert_match $wanted $text
        }
        wait_members [all_vote]
    }

    test "a cluster of one again" {
        foreach id [lsearch -all -inline -not $cluster::ids 1] {
            set cluster::ids [lsearch -all -inline -not $cluster::ids $id]
            wait_for_condition 30000 {[lindex [ctl 1 remove $id] 0] == 0}
            wait_members [all_vote]
        }
        assert_equal 42 [R 1 GET key:42]
        assert_equal OK [R 1 SET alone 1]
        assert_equal "1 voter" [members]
    }

    test "a reply that waits for the change does not wait too long" {
        set new 127.0.0.1:[free_port]
        assert_error "INPROGRESS *goes on*after 1 seconds: node 98 *link*" {
            R 1 RAFT ADD 98 $new WAIT 1}
        assert_equal {1 voter 98 learner} [members]
        assert_equal OK [R 1 RAFT REMOVE 98 WAIT 60]
        assert_equal {1 voter} [members]
        assert_equal 97 [R 1 RAFT ADD 97 $new LEARNER WAIT]
        assert_equal {1 voter 97 learner} [members]
        assert_equal 0 [lindex [ctl 1 remove 97 --wait] 0]
        assert_equal {1 voter} [members]
        lassign [ctl 1 add $new --wait 1] status output
        assert_equal 1 $status $output
        set id [told_id $output]
        assert_match "*not done within 1 s: node $id becomes a voter; node $id *link.\
            It goes on: vardctl members*" $output
        assert_equal 0 [lindex [ctl 1 remove --wait 60 $id] 0]
        assert_equal {1 voter} [members]
        assert_equal 1 [dict get [R 1 RAFT MEMBERS] done]
    }
}
