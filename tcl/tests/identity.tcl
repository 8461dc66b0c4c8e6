# Data directories that are not what the other members remember: older copies,
# copies of which two run, directories that were emptied.

proc logged_since {id offset} {
    return [string range [read_file $::nodes($id,log)] $offset end]
}

proc log_size {id} {
    return [file size $::nodes($id,log)]
}

# Puts a copy in the place of the node's directory.
proc put_back {id copy} {
    file delete -force $::nodes($id,dir)
    file copy $copy $::nodes($id,dir)
}

# The member works again: it votes, counts, and has what the others have.
proc counts_again {id} {
    wait_for_condition 30000 {![catch {info_of $id raft_recovering} n] &&
        $n == 0} {error "not refilled; its log ends:\n[log_tail $id]"}
    wait_for_leader
    wait_for_same_state
}

start_cluster 3 {cluster-id copies} {
    foreach what {"the last start" "an earlier start"} {
        test "a copy of $what is told so, and completed by the others" {
            set id [lindex [followers] 0]
            R $id SET before copy
            kill_node $id TERM
            file copy $nodes($id,dir) $nodes($id,dir).copy
            restart_node $id
            wait_for_leader
            R $id SET after "$what"
            if {$what eq "an earlier start"} {
                kill_node $id
                restart_node $id
                wait_for_leader
            }
            set known [info_of $id raft_incarnation]
            kill_node $id
            put_back $id $nodes($id,dir).copy
            file delete -force $nodes($id,dir).copy
            set from [log_size $id]
            restart_node $id
            counts_again $id
            assert_match "*knows start * of this node*older copy*takes no\
                part*refilled up to entry*" [logged_since $id $from]
            assert {[info_of $id raft_incarnation] > $known}
            assert_equal [list copy $what] [R $id MGET before after]
            # It is needed now.
            set other [lindex [lsearch -all -inline -not -exact [followers] \
                $id] 0]
            kill_node $other
            assert_equal OK [R $id SET needed $what]
            restart_node $other
            wait_for_leader
        }
    }

    test "of two processes on copies of one directory the second ends" {
        set id [lindex [followers] 0]
        kill_node $id TERM
        file copy $nodes($id,dir) $nodes($id,dir).twin
        restart_node $id
        wait_for_leader
        set twin $nodes($id,dir).twin
        set other_port [free_port]
        set text [regsub -all -line "^(node $id 127.0.0.1:)\\d+" \
            [node_config $id] "\\1[free_port]"]
        set text [regsub -line "^port .*" $text "port $other_port"]
        set text [regsub -line "^dir .*" $text "dir $twin"]
        write_file $twin.conf $text
        write_file $twin.log ""
        set pid [start_process $twin.log $vard $twin.conf]
        wait_process_end $pid 20000
        assert_match "*FATAL: exiting, because member * is linked to another\
            process that is node $id, at 127.0.0.1:*" [read_file $twin.log]
        assert_equal {} [crash_lines $twin.log]
        # The first has not noticed.
        assert_equal OK [R $id SET twin gone]
        assert_equal 0 [info_of $id raft_recovering]
    }
}

start_cluster 3 {damaged-data refuse} {
    test "an older copy that may not be completed ends, and says why" {
        set id [lindex [followers] 0]
        kill_node $id TERM
        file copy $nodes($id,dir) $nodes($id,dir).copy
        restart_node $id
        wait_for_leader
        R $id SET after copy
        kill_node $id TERM
        file rename $nodes($id,dir) $nodes($id,dir).last
        file rename $nodes($id,dir).copy $nodes($id,dir)
        set from [log_size $id]
        start_node $id 0
        wait_process_end $nodes($id,pid) 20000
        assert_match "*older copy. FATAL: exiting*" [logged_since $id $from]
        file delete -force $nodes($id,dir)
        file rename $nodes($id,dir).last $nodes($id,dir)
        restart_node $id
        wait_for_leader
        assert_equal copy [R $id GET after]
    }
}
