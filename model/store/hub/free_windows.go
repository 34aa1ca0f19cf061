package hub

import "golang.org/x/sys/windows"

// free is how many bytes there is room for on the disk of a folder.
func free(dir string) (n uint64, err error) {
	name, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, err
	}
	return n, windows.GetDiskFreeSpaceEx(name, &n, nil, nil)
}
