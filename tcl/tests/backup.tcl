# Backups: taken from a running cluster under load, verified without it.

proc ctl {ids args} {
    return [run_program $::vardctl --cluster [addresses $ids] {*}$args]
}

# The value of a field in what backup and verify print.
proc told {output pattern} {
    assert {[regexp $pattern $output -> value]} $output
    return $value
}

start_cluster 3 {requirepass secret} {
    assert_equal 0 [lindex [ctl $cluster::ids --password secret wait healthy 30] 0]
    set lead [wait_for_leader]
    set follow [lindex [followers $lead] 0]
    set file $::env(VARD_TEST_DIR)/backup

    test "a backup of an empty state, or almost empty" {
        lassign [ctl $follow --password secret backup $file.empty] status output
        # Without any entry applied there is nothing to back up.
        assert {$status in {0 5}} $output
        assert_match [expr {$status == 0 ? "*: whole, entry *" :
            "*the state is empty*"}] $output
    }

    test "RAFT SNAPSHOT: one at a time, in order, and none that is not there" {
        R $follow SET k v
        set id [R $follow RAFT SNAPSHOT OPEN]
        assert_error "BUSY*" {R $follow RAFT SNAPSHOT OPEN}
        assert_error "*no snapshot with this id*" {
            R $follow RAFT SNAPSHOT READ 1 0
        }
        wait_for_condition 20000 {
            [string match "version:*index:*" [R $follow RAFT SNAPSHOT READ $id 0]]
        } {error "no position"}
        assert_error "*one after the other*" {
            R $follow RAFT SNAPSHOT READ $id 7
        }
        wait_for_condition 20000 {
            [R $follow RAFT SNAPSHOT READ $id 1] ne ""
        } {error "no chunk"}
        assert_equal [R $follow RAFT SNAPSHOT READ $id 1] \
            [R $follow RAFT SNAPSHOT READ $id 1]
        foreach bad {{} {READ} {READ x 1} {OPEN x} {CLOSE} {NOSUCH 1}} {
            assert_error "*ERR*" {R $follow RAFT SNAPSHOT {*}$bad}
        }
        assert_equal OK [R $follow RAFT SNAPSHOT CLOSE $id]
        assert_error "*no snapshot with this id*" {
            R $follow RAFT SNAPSHOT CLOSE $id
        }
        assert_error "*no snapshot with this id*" {
            R $follow RAFT SNAPSHOT READ $id 2
        }
    }

    test "the password is asked for" {
        lassign [ctl $follow backup $file.denied] status output
        assert_equal 5 $status $output
        assert_match "*NOAUTH*" $output
        assert {![file exists $file.denied] && ![file exists $file.denied.part]}
    }

    test "under load: whole, of one entry, from a follower" {
        set acks $::env(VARD_TEST_DIR)/backup.acks
        set pid [start_load $cluster::ids $acks --writers 8 --seconds 120 \
            --op set --prefix backup --password secret]
        wait_for_condition 20000 {
            [file exists $acks] && [file size $acks] > 20000
        } {error "no load"}
        for {set i 0} {$i < 3} {incr i} {
            lassign [ctl $cluster::ids --password secret backup $file.$i] \
                status output
            assert_equal 0 $status $output
            assert_match "$file.$i: whole, entry *" $output
            lassign [run_program $vardctl verify $file.$i] status again
            assert_equal 0 $status $again
            assert_equal [string trim $output] [string trim $again]
        }
        set report [finish_load $pid $acks]
        verify_load $cluster::ids $acks --op set --prefix backup \
            --password secret
        lassign [run_program $vardctl verify $file.0] status first
        lassign [run_program $vardctl verify $file.2] status last
        assert {[told $first {entry (\d+)}] < [told $last {entry (\d+)}]}
    }

    test "the same entry is the same backup on every member" {
        R $lead SET last write
        set hashes {}
        foreach id $cluster::ids {
            wait_for_condition 20000 {
                [R $id GET last] eq "write"
            } {error "not there"}
            lassign [ctl $follow --password secret backup $file.m$id \
                127.0.0.1:$nodes($id,port)] status output
            if {$id == $follow} {
                assert_equal 2 $status $output ;# given twice
                lassign [ctl $follow --password secret backup $file.m$id] \
                    status output
            }
            assert_equal 0 $status $output
            lappend hashes [told $output {(entry .*)$}]
        }
        assert_equal 1 [llength [lsort -unique $hashes]] $hashes
    }

    test "a file that is there is not written over" {
        set before [file mtime $file.0]
        lassign [ctl $follow --password secret backup $file.0] status output
        assert_equal 3 $status
        assert_match "*there is such a file already*" $output
        assert_equal $before [file mtime $file.0]
        lassign [ctl $follow --password secret backup /nonexistent/x] \
            status output
        assert_equal 3 $status
        assert_match "*/nonexistent/x.part: *" $output
        # What was opened for it has been closed again.
        lassign [ctl $follow --password secret backup $file.after] status output
        assert_equal 0 $status $output
    }

    test "verify: what is no whole backup is told what to do" {
        set f [open $file.0 rb]
        set whole [read $f]
        close $f
        set middle [expr {[string length $whole] / 2}]
        set flipped [string replace $whole $middle $middle \
            [binary format c [expr {~[scan [string index $whole $middle] %c]}]]]
        foreach {content pattern} [list \
            [string range $whole 0 end-1] "*cut short*another backup*" \
            [string range $whole 0 $middle] "*cut short*another backup*" \
            $flipped "*at byte *another backup*" \
            "${whole}x" "*after the trailer*" \
            "vardbak9[string range $whole 8 end]" "*use the version*" \
            "something else altogether" "*no backup made by vardctl*" \
            "" "*cut short*"] {
            set f [open $file.bad wb]
            puts -nonewline $f $content
            close $f
            lassign [run_program $vardctl verify $file.bad] status output
            assert_equal 1 $status $output
            assert_match $pattern $output
        }
        lassign [run_program $vardctl verify /nonexistent] status output
        assert_equal 1 $status
        assert_match "*/nonexistent: No such file*" $output
    }

    test "a node that stops in between leaves no file" {
        set id [R $follow RAFT SNAPSHOT OPEN]
        lassign [ctl $follow --password secret backup $file.busy] status output
        # Another follower, or the leader, may do it.
        assert {$status in {0 5}} $output
        R $follow RAFT SNAPSHOT CLOSE $id
        kill_node $follow
        lassign [ctl $follow --password secret --timeout 2 backup \
            $file.dead] status output
        assert_equal 3 $status $output
        assert {![file exists $file.dead] && ![file exists $file.dead.part]}
        restart_node $follow
    }
}
