using System.Text;
using Handwritten.CudaEmulator.Device;

namespace Handwritten.CudaEmulator.Driver;

// A CUDA function answers with a number, and the number has a name and a text. That is all a C program gets to know. This
// driver knows more (which argument, which limit, which line of the kernel), so the text of an error's latest occurrence
// on the calling thread carries it: see ErrorExports.

/// <summary>A driver call that fails.</summary>
/// <param name="result">What the call returns.</param>
/// <param name="detail">What is wrong, in one sentence.</param>
internal sealed class CudaException(CudaResult result, string detail) : Exception(detail)
{
    /// <summary>What the call returns.</summary>
    public CudaResult Result { get; } = result;

    /// <summary>Throws unless a condition holds.</summary>
    public static void Require(bool condition, CudaResult result, string detail)
    {
        if (!condition)
            throw new CudaException(result, detail);
    }
}

/// <summary>Names and texts of <see cref="CudaResult"/>.</summary>
internal static class ResultText
{
    /// <summary>CUDA_ERROR_INVALID_VALUE for InvalidValue; null for a number that is none of the driver's.</summary>
    public static string? Name(CudaResult result)
    {
        if (!Enum.IsDefined(result))
            return null;
        StringBuilder name = new(result == CudaResult.Success ? "CUDA" : "CUDA_ERROR");
        foreach (char letter in result.ToString())
        {
            if (char.IsUpper(letter))
                name.Append('_');
            name.Append(char.ToUpperInvariant(letter));
        }
        return name.ToString();
    }

    /// <summary>The driver's text for a result; null for a number that is none of the driver's.</summary>
    public static string? Text(CudaResult result) => result switch
    {
        CudaResult.Success => "no error",
        CudaResult.InvalidValue => "invalid argument",
        CudaResult.OutOfMemory => "out of memory",
        CudaResult.NotInitialized => "initialization error",
        CudaResult.Deinitialized => "driver shutting down",
        CudaResult.NoDevice => "no CUDA-capable device is detected",
        CudaResult.InvalidDevice => "invalid device ordinal",
        CudaResult.InvalidImage or CudaResult.InvalidSource => "device kernel image is invalid",
        CudaResult.InvalidContext => "invalid device context",
        CudaResult.NoBinaryForGpu => "no kernel image is available for execution on the device",
        CudaResult.NotMapped => "resource not mapped",
        CudaResult.UnsupportedLimit => "limit is not supported on this architecture",
        CudaResult.PeerAccessUnsupported => "peer access is not supported between these two devices",
        CudaResult.InvalidPtx => "a PTX JIT compilation failed",
        CudaResult.UnsupportedPtxVersion => "the provided PTX was compiled with an unsupported toolchain",
        CudaResult.FileNotFound => "file not found",
        CudaResult.SharedObjectSymbolNotFound => "shared object symbol not found",
        CudaResult.InvalidHandle => "invalid resource handle",
        CudaResult.IllegalState => "the operation cannot be performed in the present state",
        CudaResult.NotFound => "named symbol not found",
        CudaResult.NotReady => "device not ready",
        CudaResult.IllegalAddress => "an illegal memory access was encountered",
        CudaResult.LaunchOutOfResources => "too many resources requested for launch",
        CudaResult.LaunchTimeout => "the launch timed out and was terminated",
        CudaResult.PeerAccessAlreadyEnabled => "peer access is already enabled",
        CudaResult.PeerAccessNotEnabled => "peer access has not been enabled",
        CudaResult.PrimaryContextActive => "cannot set while device is active in this process",
        CudaResult.ContextIsDestroyed => "context is destroyed",
        CudaResult.Assert => "device-side assert triggered",
        CudaResult.HostMemoryAlreadyRegistered => "part or all of the requested memory range is already mapped",
        CudaResult.HostMemoryNotRegistered => "pointer does not correspond to a registered memory region",
        CudaResult.HardwareStackError => "hardware stack error",
        CudaResult.IllegalInstruction => "an illegal instruction was encountered",
        CudaResult.MisalignedAddress => "misaligned address",
        CudaResult.InvalidAddressSpace => "operation not supported on global/shared address space",
        CudaResult.InvalidPc => "invalid program counter",
        CudaResult.LaunchFailed => "unspecified launch failure",
        CudaResult.NotPermitted => "operation not permitted",
        CudaResult.NotSupported => "operation not supported",
        CudaResult.StreamCaptureUnsupported => "operation not permitted when stream is capturing",
        CudaResult.StreamCaptureInvalidated => "operation failed due to a previous error during capture",
        CudaResult.StreamCaptureMerge => "operation would result in a merge of separate capture sequences",
        CudaResult.StreamCaptureUnmatched => "capture was not ended in the same stream as it began",
        CudaResult.StreamCaptureUnjoined => "capturing stream has unjoined work",
        CudaResult.StreamCaptureIsolation => "dependency created on uncaptured work in another stream",
        CudaResult.StreamCaptureImplicit => "operation would make the legacy stream depend on a capturing blocking stream",
        CudaResult.CapturedEvent => "operation not permitted on an event last recorded in a capturing stream",
        CudaResult.StreamCaptureWrongThread => "attempt to terminate a thread-local capture sequence from another thread",
        CudaResult.GraphExecUpdateFailure =>
            "the graph update was not performed because it included changes which violated constraints specific to instantiated graph update",
        CudaResult.Unknown => "unknown error",
        _ => null,
    };
}
