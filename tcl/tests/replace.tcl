# A member whose directory was emptied, with the options that there are by
# default: its clients' requests are not taken for those that it had before.

# Every number once, and none twice: what INCR has answered.
proc next_numbers {id count} {
    for {set i 0} {$i < $count} {incr i} {
        set number [R $id INCR counter]
        assert {$number == [incr ::last_number]}
        assert_equal OK [R $id SET "key:$number" $number]
    }
}

# A client that asks as soon as the node is there, and again when it is refused.
proc first_number {id} {
    wait_for_condition 30000 {![catch {R $id PING}]}
    set deadline [expr {[clock milliseconds] + 60000}]
    while {[catch {R $id INCR counter} number]} {
        if {![regexp {LOADING|CLUSTERDOWN|UNKNOWN|refused|lost|closed} $number]} {
            error "a node that is refilled says: $number"
        }
        assert {[clock milliseconds] < $deadline}
        after 50
    }
    assert {$number > $::last_number}
    set ::last_number $number
    assert_equal OK [R $id SET "key:$number" $number]
}

proc life_of {asked id} {
    foreach member [dict get [R $asked RAFT MEMBERS] members] {
        if {[dict get $member id] == $id} {return [dict get $member life]}
    }
    error "no member $id"
}

start_cluster 3 {} {
    set last_number 0

    test "an emptied member, and a leader that forgets: INCR and SET" {
        for {set round 1} {$round <= 2} {incr round} {
            set id [lindex [followers] 0]
            set lead [wait_for_leader]
            next_numbers $id 50
            kill_node $id
            file delete -force $nodes($id,dir)
            file mkdir $nodes($id,dir)
            start_node $id 0
            kill_node $lead
            start_node $lead 0
            first_number $id
            wait_for_condition 30000 {![catch {info_of $id raft_recovering} n] &&
                $n == 0} {
                error "not refilled; its log ends:\n[log_tail $id]"
            }
            next_numbers $id 50
            wait_for_same_state
            assert_equal $last_number [R $id GET counter]
            foreach i [list 1 50 $last_number] {
                assert_equal $i [R $id GET "key:$i"]
            }
            assert {[life_of $id $id] > 0}
            assert_equal [life_of $id $id] [life_of [wait_for_leader] $id]
        }
    }
}
