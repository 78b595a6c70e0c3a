import CoupletCommand

CoupletCommand.main()
