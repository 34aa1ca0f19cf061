package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// trusted is true: only administrators make links here.
func trusted(fs.FileInfo) bool { return true }

// fileState is the part of Identity that one file has. The time of change is not that of writing, which anyone can set back; file
// systems that have none say 0.
func fileState(f fs.File) (string, bool) {
	file, ok := f.(*os.File)
	if !ok {
		return "", false
	}
	var id windows.ByHandleFileInformation
	var basic struct { // FILE_BASIC_INFO
		created, accessed, written int64
		changed                    windows.Filetime
		attributes                 uint32
	}
	handle := windows.Handle(file.Fd())
	err := errors.Join(windows.GetFileInformationByHandle(handle, &id),
		windows.GetFileInformationByHandleEx(handle, windows.FileBasicInfo, (*byte)(unsafe.Pointer(&basic)), uint32(unsafe.Sizeof(basic))))
	changed := basic.changed.Nanoseconds()
	if err != nil || basic.changed == (windows.Filetime{}) || time.Since(time.Unix(0, changed)) < 2*time.Second {
		return "", false
	}
	return fmt.Sprint(id.VolumeSerialNumber, id.FileIndexHigh, id.FileIndexLow, id.FileSizeHigh, id.FileSizeLow, basic.written, changed), true
}
