using Handwritten.CudaEmulator.Device;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Native;

/// <summary>The exported functions, and a context of its own for every test.</summary>
public abstract class ApiFixture : IDisposable
{
    private protected unsafe ApiFixture()
    {
        nint context;
        Assert.Equal(CudaResult.Success, Cuda.CtxCreate(&context, 0, 0));
        Context = context;
    }

    private protected CudaApi Cuda { get; } = new(EmulatedLibrary.Handle);

    private protected nint Context { get; }

    /// <summary>The text of a result that was expected.</summary>
    private protected string? Detail(CudaResult expected, CudaResult result)
    {
        Assert.Equal(expected, result);
        return Cuda.ErrorString(result);
    }

    public void Dispose()
    {
        Cuda.CtxDestroy(Context);
        Cuda.CtxSetCurrent(0);
        GC.SuppressFinalize(this);
    }
}
