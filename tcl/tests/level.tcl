# Members of two versions of vard: what the later one knows (build/next/vard,
# tests/next) is an unknown command to all, until all know it and the level is
# raised; from then on there is no way back.

set old $::vard
set new $::build/next/vard
set new_tool $::build/next/vardctl
set unknown "ERR unknown command 'vard.next', with args beginning with: 'k' 'v' "

proc use {id program} {
    kill_node $id TERM
    set ::vard $program
    restart_node $id
    wait_for_leader
}

# The entry that the files have, and the chained hash of the state there.
proc state_of {id} {
    set snapshot [R $id RAFT SNAPSHOT OPEN]
    wait_for_condition 20000 {[set head \
        [R $id RAFT SNAPSHOT READ $snapshot 0]] ne ""}
    regexp {index:(\d+)} $head -> index
    for {set number 1} 1 {incr number} {
        set chunk {}
        wait_for_condition 20000 {[set chunk \
            [R $id RAFT SNAPSHOT READ $snapshot $number]] ne ""}
        if {[string length $chunk] == 16} break
    }
    R $id RAFT SNAPSHOT CLOSE $snapshot
    binary scan $chunk H* hash
    return [list $index $hash]
}

# Of all nodes, when it is of one entry: a node that has just started has its
# own entry to add.
proc same_states {} {
    wait_for_same_state
    set ::states [lmap id $cluster::ids {state_of $id}]
    return [expr {[llength [lsort -unique -index 0 $::states]] == 1}]
}

proc assert_same_state {} {
    wait_for_condition 60000 {[same_states]}
    # What only a leader knows is left out.
    set members [lmap id $cluster::ids {
        dict remove [R $id RAFT MEMBERS] leader leader-address tolerates done next waits}]
    assert_equal 1 [llength [lsort -unique $::states]] $::states
    assert_equal 1 [llength [lsort -unique $members]] $members
}

# Asked of each node, through a connection of its own.
proc assert_all_refuse {} {
    foreach id $cluster::ids {
        assert_equal -$::unknown [node_typed $id vard.next k v]
        assert_equal -$::unknown \
            [node_typed $id ONCE c$id 1 vard.next k v]
        assert_equal "-ERR syntax error" \
            [node_typed $id SET k v VARD.NEXT]
        assert_equal 0 [R $id EXISTS k]
        assert_equal 0 [llength [R $id COMMAND DOCS vard.next]]
        assert_equal [R 1 COMMAND COUNT] [R $id COMMAND COUNT]
    }
    assert_same_state
}

proc lead_by {id} {
    wait_for_condition 30000 {[leader_now] == $id || [catch {
        R [leader_now] RAFT TRANSFER $id}] < 0}
    wait_for_leader
}

proc level_of {id} {return [info_of $id raft_level]}

proc ctl_level {args} {
    return [run_program $::vardctl --cluster [addresses $cluster::ids] level \
        {*}$args]
}

start_cluster 3 {level-auto no} {
    test "the programs say which levels they know" {
        assert_match "*levels=1-1 *" [exec $old --version]
        assert_match "*levels=1-2 *" [exec $new --version]
    }

    test "one new member: nobody knows the new command, whoever leads" {
        use 1 $new
        foreach id {1 2 3} {
            lead_by $id
            assert_all_refuse
            R $id SET written-$id $id
        }
        lassign [ctl_level] status text
        assert_equal 0 $status $text
        assert_match "*1 to 2*the level is 1; a higher one waits: the program\
            of node * knows the levels 1 to 1*" $text
    }

    test "back to the old program: as if nothing had been" {
        use 1 $old
        assert_all_refuse
    }

    test "one after the other; with level-auto no, nothing changes" {
        foreach id {1 2 3} {
            use $id $new
            assert_all_refuse
        }
        set lead [wait_for_leader]
        assert_match "*level-auto no*" [info_of $lead raft_level_waits]
        assert_equal {1 1 1} [lmap id {1 2 3} {level_of $id}]
    }

    test "what cannot be is refused, with the reason" {
        set lead [wait_for_leader]
        set other [lindex [followers $lead] 0]
        foreach {id level reply} [list \
                $lead 1 {ERR the level is 1 already, and is never lowered} \
                $lead 3 {ERR this program, vard *, knows the levels 1 to 2} \
                $lead 0 {ERR invalid level} $lead x {ERR invalid level} \
                $lead 65536 {ERR invalid level} \
                $other 2 {NOTLEADER the leader is node*}] {
            assert_match -$reply [node_typed $id RAFT LEVEL $level]
        }
        kill_node $other
        wait_for_condition 20000 {[string match "*node $other is not linked*" \
            [info_of $lead raft_level_waits]]}
        assert_match "-ERR node $other is not linked*" \
            [node_typed $lead RAFT LEVEL 2]
        lassign [ctl_level 2] status text
        assert_equal 5 $status $text
        restart_node $other
        wait_for_leader
        assert_equal {1 1 1} [lmap id {1 2 3} {level_of $id}]
    }

    test "raised by hand, the command is there" {
        wait_for_condition 20000 {[lindex [ctl_level 2] 0] == 0}
        wait_for_condition 20000 {[lmap id {1 2 3} {level_of $id}] eq {2 2 2}}
        assert_match "*the level is 2\n*" "[lindex [ctl_level] 1]\n"
        foreach id {1 2 3} {
            assert_equal OK [R $id vard.next k $id]
            assert_equal $id [R $id GET k]
            assert_equal OK [R $id SET k again VARD.NEXT]
            assert_equal 2 [llength [R $id COMMAND DOCS vard.next]]
        }
        R 1 DEL k
        assert_same_state
    }

    test "a program that does not know the level does not start" {
        set id [lindex [followers] 0]
        kill_node $id TERM
        set ::vard $old
        start_node $id 0
        wait_process_end $::nodes($id,pid) 20000
        assert_match "*cannot start: *the cluster has reached level 2, and this\
            program, vard *, knows the levels 1 to 1: start a later version of\
            vard, one that knows level 2*" [log_tail $id]
        set ::vard $new
        restart_node $id
        wait_for_leader
        assert_same_state
    }

    test "an empty directory with such a program is rejected, and says so" {
        set id [lindex [followers] 0]
        kill_node $id TERM
        file rename $::nodes($id,dir) $::nodes($id,dir).aside
        file mkdir $::nodes($id,dir)
        set ::vard $old
        start_node $id 0
        wait_process_end $::nodes($id,pid) 20000
        assert_match "*FATAL: exiting, because the cluster has reached level 2,\
            as member * says, and this program, vard *, knows the levels 1 to\
            1: start another version*" [log_tail $id]
        file delete -force $::nodes($id,dir)
        file rename $::nodes($id,dir).aside $::nodes($id,dir)
        set ::vard $new
        restart_node $id
        wait_for_leader
        assert_same_state
    }

    test "a backup of the level is nothing for the program before" {
        set file $::env(VARD_TEST_DIR)/level2.bak
        set cluster [list --cluster [addresses {1 2 3}]]
        foreach {program command expected} [list \
                $::vardctl [list {*}$cluster backup $file] 0 \
                $new_tool [list {*}$cluster backup $file] 1 \
                $::vardctl [list verify $file] 0 \
                $::vardctl [list restore $file $file.dir] 0 \
                $new_tool [list verify $file] 1 \
                $new_tool [list restore $file $file.dir] 1] {
            lassign [run_program $program {*}$command] status text
            assert_equal $expected [expr {$status == 0}] $text
            if {$expected} continue
            assert_match "*the state is of level 2, and this program, vardctl\
                *, knows the levels 1 to 1: use a later version*" $text
            assert {![file exists $file.dir]}
        }
        set ::restored $file.dir
    }
}

set ::vard $old
start_cluster 3 {} {
    test "by itself, seconds after the last member knows it" {
        foreach id {1 2 3} {
            assert_all_refuse
            use $id $new
        }
        wait_for_condition 60000 {[lmap id {1 2 3} {level_of $id}] eq {2 2 2}}
        assert_equal OK [R 1 vard.next k v]
        assert_same_state
    }
}

set ::vard $old
start_server {} {
    test "what was restored has its level" {
        kill_node 1 TERM
        set ::nodes(1,dir) $::restored
        set ::vard $old
        start_node 1 0
        wait_process_end $::nodes(1,pid) 20000
        assert_match "*cannot start: *reached level 2*" [log_tail 1]
        set ::vard $new
        restart_node 1
        assert_equal 2 [level_of 1]
        assert_equal OK [R 1 vard.next k v]
    }
}
