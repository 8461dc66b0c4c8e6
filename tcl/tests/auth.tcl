# requirepass, AUTH, HELLO AUTH, what a client may do before it.

start_cluster 3 {requirepass "s3cret" peer-secret peers} {
    set follow [lindex [followers] 0]

    proc stranger {id} {
        return [resp::connect 127.0.0.1 $::nodes($id,port)]
    }

    test "nothing without the password" {
        set c [stranger $follow]
        foreach command {{PING} {GET k} {SET k v} {INFO} {CONFIG GET port}
            {FLUSHALL} {RAFT STATUS} {SHUTDOWN}} {
            assert_equal "-NOAUTH Authentication required." \
                [$c -typed {*}$command] $command
        }
        $c -close
    }

    test "AUTH: wrong and right" {
        set c [stranger $follow]
        assert_equal "-WRONGPASS invalid username-password pair or user is disabled." \
            [$c -typed AUTH wrong]
        assert_match "-NOAUTH*" [$c -typed GET k]
        assert_match "-WRONGPASS*" [$c -typed AUTH nobody s3cret]
        assert_equal +OK [$c -typed AUTH s3cret]
        assert_equal +OK [$c -typed SET k v]
        assert_equal +OK [$c -typed AUTH default s3cret]
        $c -close
    }

    test "HELLO with AUTH and SETNAME, all or nothing" {
        set c [stranger $follow]
        assert_match "-NOAUTH HELLO must be called with the client already authenticated*" \
            [$c -typed HELLO 3]
        assert_match "-WRONGPASS*" \
            [$c -typed HELLO 3 AUTH default wrong SETNAME x]
        assert_match "-NOAUTH*" [$c -typed CLIENT GETNAME]
        # A good password and a bad name: still a stranger.
        assert_match "-ERR Client names*" \
            [$c -typed HELLO 3 AUTH default s3cret SETNAME "a b"]
        assert_match "-NOAUTH*" [$c -typed GET k]
        # The name of before was not kept, nor was the protocol.
        assert_equal +OK [$c -typed AUTH s3cret]
        assert_equal "" [$c CLIENT GETNAME]
        assert_equal "\[" [string index [$c -typed HELLO] 0]
        assert_match "%*" [$c -typed HELLO 3 AUTH default s3cret SETNAME x]
        assert_equal x [$c CLIENT GETNAME]
        $c -close
    }

    test "RESET takes the rights away" {
        set c [node_client $follow]
        assert_equal RESET [$c RESET]
        assert_match "-NOAUTH*" [$c -typed GET k]
        $c -close
    }

    test "large requests are refused before the password" {
        set c [stranger $follow]
        $c -raw "*11\r\n"
        assert_match "-ERR Protocol error: unauthenticated multibulk length" \
            [$c -readtyped]
        assert [$c -eof]
        $c -close
        set c [stranger $follow]
        $c -raw "*2\r\n\$4\r\nAUTH\r\n\$16385\r\n"
        assert_match "-ERR Protocol error: unauthenticated bulk length" \
            [$c -readtyped]
        assert [$c -eof]
        $c -close
    }

    test "CONFIG SET requirepass works at once, for this node" {
        R $follow CONFIG SET requirepass other
        set c [stranger $follow]
        assert_match "-WRONGPASS*" [$c -typed AUTH s3cret]
        assert_equal +OK [$c -typed AUTH other]
        $c CONFIG SET requirepass s3cret
        $c -close
    }

    test "a password that is removed: who waits for it is served" {
        set c [stranger $follow]
        assert_match "-NOAUTH*" [$c -typed GET k]
        R $follow CONFIG SET requirepass ""
        assert_equal +OK [$c -typed SET k v2]
        assert_match "%*" [$c -typed HELLO 3]
        assert_equal +OK [$c -typed CONFIG SET requirepass s3cret]
        assert_match "-NOAUTH*" [$c -typed GET k]
        assert_equal +OK [$c -typed AUTH s3cret]
        assert_equal v2 [$c GET k]
        $c -close
    }

    test "neither password nor secret stand in the logs" {
        foreach id $cluster::ids {
            set log [read_file $nodes($id,log)]
            assert {[string first s3cret $log] < 0}
        }
    }

    test "vardctl without the password, or a wrong one: not the same as down" {
        foreach {arguments what} {{} NOAUTH {--password wrong} WRONGPASS} {
            set call [list $vardctl --cluster [addresses $follow] {*}$arguments]
            lassign [run_program {*}$call status] status output
            assert_equal 5 $status $output
            assert_match "*REFUSED*$what*VARD_PASSWORD*" $output
            assert {![string match "*DOWN*" $output]} $output
            foreach command {{get k} transfer} {
                lassign [run_program {*}$call {*}$command] status output
                assert_equal 5 $status $output
                assert_match "*$what*VARD_PASSWORD*" $output
            }
        }
    }

    test "vardctl --password is not shown to other users" {
        # A door at which nobody answers.
        set door [socket -server {apply {args {}}} -myaddr 127.0.0.1 0]
        set port [lindex [fconfigure $door -sockname] 2]
        set pid [start_process /dev/null $vardctl --cluster 127.0.0.1:$port \
            --timeout 5 --password s3cret get k]
        wait_for_condition 5000 {
            [string first "******" [read_file /proc/$pid/cmdline]] > 0}
        assert {[string first s3cret [read_file /proc/$pid/cmdline]] < 0}
        signal_process $pid KILL
        close $door
    }

    test "vardctl with a password" {
        lassign [run_program $vardctl --cluster [addresses $follow] \
            --password s3cret put ctl 1] status output
        assert_equal "0 OK" "$status $output"
        lassign [run_program $vardctl --cluster [addresses $follow] get ctl] \
            status output
        assert_equal 5 $status
        assert_match "*NOAUTH*" $output
    }
}
